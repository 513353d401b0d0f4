/**
 * The metrics of one registry: what the engine tells is counted here, and the workflows that run are asked when somebody
 * scrapes. Workflows and instances share them, so that each metric is registered once.
 */
import type { Observed } from '@workflow/core'
import { Configuration } from '@workflow/core/adapter'
import { type AskedSamples, askedSamples, type WorkflowReading } from './asked-samples.ts'
import { Attachment, type Reading } from './attachment.ts'
import { HistogramMetric } from './histogram-metric.ts'
import {
  type AskedName,
  type AskedSpec,
  askedList,
  counterList,
  gaugeList,
  histogramList,
  type MetricSpec,
  missingAnswers,
  questions,
} from './metric-list.ts'
import { CounterMetric, GaugeMetric, Metric, type Sample } from './metric.ts'
import type { MetricRegistry, Settings } from './settings.ts'

/** How many workflows a scrape asks at once, so that a process of many does not take all connections of its database. */
const askedAtOnce = 2

export class MetricSet {
  readonly counters: ReadonlyMap<string, CounterMetric>
  readonly gauges: ReadonlyMap<string, GaugeMetric>
  readonly histograms: ReadonlyMap<string, HistogramMetric>
  readonly buckets: Settings['buckets']
  readonly #missing: MissingAnswers
  readonly #all: readonly Metric[]
  readonly #attached = new Set<Attachment>()
  #scrape: Promise<AskedSamples> | undefined

  constructor({ prefix, buckets }: Settings) {
    const scrape = (): Promise<AskedSamples> => this.#scraped()
    this.buckets = buckets
    this.counters = new Map(counterList.map((spec) => [spec.name, new CounterMetric(spec, prefix)]))
    this.gauges = new Map(gaugeList.map((spec) => [spec.name, new GaugeMetric(spec, prefix)]))
    this.histograms = new Map(histogramList.map((spec) => [spec.name, new HistogramMetric(spec, prefix, buckets[spec.buckets])]))
    this.#missing = new MissingAnswers(missingAnswers, prefix, scrape)
    const asked = askedList.map((spec) => new AskedMetric(spec, prefix, scrape))
    this.#all = [...this.counters.values(), ...this.gauges.values(), ...this.histograms.values(), ...asked, this.#missing]
  }

  /** Whether the registry still has any of these. It has not once it was cleared. */
  isIn(registry: MetricRegistry): boolean {
    return this.#all.some((metric) => registry.getSingleMetric(metric.name) === metric)
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
  attach(observed: Observed, settings: Settings): Disposable {
    const attachment = new Attachment(observed, settings)
    const { workflowName } = attachment
    this.#attached.add(attachment)
    this.#begin(workflowName, settings.queries)
    return {
      [Symbol.dispose]: () => {
        if (this.#attached.delete(attachment) && !this.#has(workflowName)) this.#forget(workflowName)
      },
    }
  }

  /** Counters that have stood at 0 once show their first step to whoever compares two scrapes. */
  #begin(workflowName: string, queries: boolean): void {
    for (const question of questions) {
      const asked = queries || (question !== 'receivers' && question !== 'runs')
      if (asked) this.#missing.touch({ workflow_name: workflowName, question })
    }
  }

  #has(workflowName: string): boolean {
    return [...this.#attached].some((attachment) => attachment.workflowName === workflowName)
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
    const workflows = Map.groupBy(this.#attached, ({ workflowName }) => workflowName)
    const waiting = [...workflows.values()].map((attachments) => ({ attachments, deadlines: attachments.map((each) => each.deadline()) }))
    const readings: WorkflowReading[] = []
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const reading = await this.#readWorkflow(next.attachments, next.deadlines)
        if (this.#has(reading.workflowName)) readings.push(reading)
      }
    }
    await Promise.all(Array.from({ length: askedAtOnce }, lane))
    return askedSamples(readings)
  }

  async #readWorkflow(attachments: readonly Attachment[], deadlines: readonly number[]): Promise<WorkflowReading> {
    const workflowName = attachments[0]?.workflowName ?? ''
    const missing = (question: string): void => this.#missing.add(1, { workflow_name: workflowName, question })
    // Whom it asks for all is the newest one that may be asked.
    const at = Math.max(
      0,
      attachments.findLastIndex(({ queries }) => queries),
    )
    const shared = (await attachments[at]?.readShared(deadlines[at] ?? 0, missing)) ?? { now: 0 }
    const instances = attachments.map((attachment) => attachment.read(missing))
    this.#beginProcesses(workflowName, instances)
    return { workflowName, instances, shared }
  }

  #beginProcesses(workflowName: string, instances: readonly Reading[]): void {
    const errors = this.counters.get('workflow_process_error_count')
    if (!this.#has(workflowName)) return
    for (const { name } of instances.flatMap(({ states = [] }) => states))
      errors?.touch({ workflow_name: workflowName, process_name: name })
  }
}

/** A gauge whose value is asked for at each scrape. */
class AskedMetric extends Metric {
  readonly type = 'gauge'
  readonly #key: AskedName
  readonly #scrape: () => Promise<AskedSamples>

  constructor(spec: AskedSpec, prefix: string, scrape: () => Promise<AskedSamples>) {
    super(spec, prefix)
    this.#key = spec.name
    this.#scrape = scrape
  }

  reset(): void {
    // Nothing is kept.
  }

  protected async samples(): Promise<Sample[]> {
    return (await this.#scrape()).get(this.#key) ?? []
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
