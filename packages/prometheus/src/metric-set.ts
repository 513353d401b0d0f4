/**
 * The metrics of one registry: what the engine tells is counted here, and the workflows that run are asked when somebody
 * scrapes. Workflows and instances share them, so that each metric is registered once.
 */
import type { Observed } from '@workflow/core'
import {
  askedMetrics,
  type AskedMetricName,
  type AskedMetricSpec,
  askedValues,
  attemptBuckets,
  Configuration,
  counterMetrics,
  gaugeMetrics,
  histogramMetrics,
  type MetricSpec,
  missingAnswers,
  type ObservedAsking,
  observedQuestions,
  ObservedWorkflows,
  type WorkflowReading,
} from '@workflow/core/adapter'
import { HistogramMetric } from './histogram-metric.ts'
import { CounterMetric, GaugeMetric, Metric, type Sample } from './metric.ts'
import type { MetricRegistry, Settings } from './settings.ts'

/** The samples of each asked metric. */
type AskedSamples = ReadonlyMap<AskedMetricName, Sample[]>
type Buckets = Pick<Settings, 'buckets' | 'callBuckets'>

export class MetricSet {
  readonly counters: ReadonlyMap<string, CounterMetric>
  readonly gauges: ReadonlyMap<string, GaugeMetric>
  readonly histograms: ReadonlyMap<string, HistogramMetric>
  readonly #buckets: Buckets
  readonly #missing: MissingAnswers
  readonly #all: readonly Metric[]
  readonly #workflows = new ObservedWorkflows()
  #scrape: Promise<AskedSamples> | undefined

  constructor({ prefix, buckets, callBuckets }: Settings) {
    const scrape = (): Promise<AskedSamples> => this.#scraped()
    this.#buckets = { buckets, callBuckets }
    this.counters = new Map(counterMetrics.map((spec) => [spec.name, new CounterMetric(spec, prefix)]))
    this.gauges = new Map(gaugeMetrics.map((spec) => [spec.name, new GaugeMetric(spec, prefix)]))
    this.histograms = new Map(
      histogramMetrics.map((spec) => [
        spec.name,
        new HistogramMetric(spec, prefix, spec.buckets === attemptBuckets ? buckets : callBuckets),
      ]),
    )
    this.#missing = new MissingAnswers(missingAnswers, prefix, scrape)
    const asked = askedMetrics.map((spec) => new AskedMetric(spec, prefix, scrape))
    this.#all = [...this.counters.values(), ...this.gauges.values(), ...this.histograms.values(), ...asked, this.#missing]
  }

  /** Whether the registry still has any of these. It has not once it was cleared. */
  isIn(registry: MetricRegistry): boolean {
    return this.#all.some((metric) => registry.getSingleMetric(metric.name) === metric)
  }

  /** The same metrics with nothing measured, for a registry that was cleared; undefined where they have other buckets. */
  begunAnew(buckets: Buckets): this | undefined {
    if (!this.hasBucketsOf(buckets)) return undefined
    for (const metric of this.#all) metric.reset()
    return this
  }

  hasBucketsOf({ buckets, callBuckets }: Buckets): boolean {
    return String(this.#buckets.buckets) === String(buckets) && String(this.#buckets.callBuckets) === String(callBuckets)
  }

  /** Puts the metrics into the registry: all, or where a name is taken, none. Throws `Configuration`. */
  register(registry: MetricRegistry): void {
    for (const metric of this.#all) {
      const taken = registry.getSingleMetric(metric.name)
      if (taken !== undefined && taken !== metric)
        throw new Configuration(
          `the registry has a metric '${metric.name}' that something else has registered: give prometheus a prefix, or a registry of its own`,
        )
    }
    // The cast holds because a registry of prom-client uses nothing of a metric but what Metric has.
    for (const metric of this.#all) registry.registerMetric(metric as never)
  }

  /** Has the workflow asked at every scrape until the result is disposed; its series go with its last instance here. */
  attach(observed: Observed, asking: ObservedAsking): Disposable {
    const { workflowName } = observed
    let attached: Disposable | undefined = this.#workflows.attach(observed, asking)
    this.#begin(workflowName, asking.queries)
    return {
      [Symbol.dispose]: () => {
        if (attached === undefined) return
        attached[Symbol.dispose]()
        attached = undefined
        if (!this.#workflows.has(workflowName)) this.#forget(workflowName)
      },
    }
  }

  /** Counters that have stood at 0 once show their first step to whoever compares two scrapes. */
  #begin(workflowName: string, queries: boolean): void {
    for (const question of observedQuestions) {
      const asked = queries || (question !== 'receivers' && question !== 'runs')
      if (asked) this.#missing.touch({ workflow_name: workflowName, question })
    }
  }

  #forget(workflowName: string): void {
    for (const metric of [...this.counters.values(), ...this.gauges.values(), ...this.histograms.values(), this.#missing])
      metric.forget(workflowName)
  }

  /** One reading for all metrics of a scrape, and for scrapes at the same time. */
  #scraped(): Promise<AskedSamples> {
    this.#scrape ??= this.#read().finally(() => (this.#scrape = undefined))
    return this.#scrape
  }

  async #read(): Promise<AskedSamples> {
    const readings = await this.#workflows.read((workflowName, question) => {
      // Its series are gone if it has stopped meanwhile.
      if (this.#workflows.has(workflowName)) this.#missing.add(1, { workflow_name: workflowName, question })
    })
    for (const reading of readings) this.#beginProcesses(reading)
    return Map.groupBy(readings.flatMap(askedValues), ({ name }) => name)
  }

  #beginProcesses({ workflowName, instances }: WorkflowReading): void {
    const errors = this.counters.get('workflow_process_error_count')
    for (const { name } of instances.flatMap(({ states = [] }) => states))
      errors?.touch({ workflow_name: workflowName, process_name: name })
  }
}

/** A gauge whose value is asked for at each scrape. */
class AskedMetric extends Metric {
  readonly type = 'gauge'
  readonly #key: AskedMetricName
  readonly #scrape: () => Promise<AskedSamples>

  constructor(spec: AskedMetricSpec, prefix: string, scrape: () => Promise<AskedSamples>) {
    super(spec, prefix)
    this.#key = spec.name
    this.#scrape = scrape
  }

  reset(): void {
    // Nothing is kept.
  }

  protected async samples(): Promise<Sample[]> {
    const samples = (await this.#scrape()).get(this.#key) ?? []
    return samples.map(({ labels, value }) => ({ labels, value }))
  }
}

/** Counts what a scrape did not learn, that scrape included. */
class MissingAnswers extends CounterMetric {
  readonly #scrape: () => Promise<AskedSamples>

  constructor(spec: MetricSpec, prefix: string, scrape: () => Promise<AskedSamples>) {
    super(spec, prefix)
    this.#scrape = scrape
  }

  protected override async samples(): Promise<Sample[]> {
    await this.#scrape()
    return await super.samples()
  }
}
