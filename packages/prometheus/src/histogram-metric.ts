import type { Attributes } from '@workflow/core'
import type { MetricSpec } from '@workflow/core/adapter'
import { invalid, Metric, type MetricAnswer, type Sample } from './metric.ts'
import { type Labels, type Series, SeriesTable } from './series-table.ts'

interface Distribution extends Series {
  /** How many fell into each bucket and into none before it; the last counts those above every bound. */
  readonly counts: Float64Array
  sum: number
}

/** How often durations fell below each of some bounds. */
export class HistogramMetric extends Metric {
  readonly type = 'histogram'
  readonly #bounds: Float64Array
  readonly #table: SeriesTable<Distribution>

  /** `bounds` ascend. */
  constructor(spec: MetricSpec, prefix: string, bounds: readonly number[]) {
    super(spec, prefix)
    this.#bounds = Float64Array.from(bounds)
    const create = (labels: Labels): Distribution => ({ labels, live: true, counts: new Float64Array(bounds.length + 1), sum: 0 })
    this.#table = new SeriesTable(spec.labels, create)
  }

  observe(seconds: number, labels: Attributes): void {
    if (!Number.isFinite(seconds)) throw invalid(this, seconds, 'a finite number of seconds')
    const bounds = this.#bounds
    const { length } = bounds
    let i = 0
    // Durations are short as a rule, so that this is over sooner than a bisection.
    while (i < length && seconds > (bounds[i] ?? 0)) i++
    const distribution = this.#table.of(labels)
    distribution.counts[i] = (distribution.counts[i] ?? 0) + 1
    distribution.sum += seconds
  }

  reset(): void {
    this.#table.remove()
  }

  /** Removes the series of a workflow. */
  forget(workflowName: string): void {
    this.#table.remove((labels) => labels['workflow_name'] === workflowName)
  }

  /** For the text format: the labels that all lines of a series have stand apart. */
  getForPromString(): Promise<MetricAnswer> {
    return super.get()
  }

  override async get(): Promise<MetricAnswer> {
    const answer = await super.get()
    const values = answer.values.map(({ sharedLabels, labels, ...rest }) => ({ ...rest, labels: { ...sharedLabels, ...labels } }))
    return { ...answer, values }
  }

  protected samples(): Sample[] {
    return Array.from(this.#table.values()).flatMap((distribution) => this.#samplesOf(distribution))
  }

  #samplesOf({ labels: sharedLabels, counts, sum }: Distribution): Sample[] {
    let count = 0
    const metricName = `${this.name}_bucket`
    const buckets = Array.from(counts, (n, i): Sample => {
      count += n
      return { labels: { le: this.#bounds[i] ?? '+Inf' }, sharedLabels, value: count, metricName }
    })
    return [
      ...buckets,
      { labels: {}, sharedLabels, value: sum, metricName: `${this.name}_sum` },
      { labels: {}, sharedLabels, value: count, metricName: `${this.name}_count` },
    ]
  }
}
