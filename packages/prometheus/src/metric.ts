/**
 * Metrics as a registry of prom-client 15 asks for them: by `get`, and for the text by `getForPromString` where there is
 * one. They are not its own Counter, Gauge and Histogram because those put the labels together as text at every event, by
 * a rule under which two combinations of names can be one.
 */
import { type Attributes, InvalidArgument } from '@workflow/core'
import type { MetricSpec } from '@workflow/core/adapter'
import { type Labels, type Series, SeriesTable } from './series-table.ts'

/** A value as prom-client writes it out: `metricName` where it is not the metric's own name. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  /** Of several samples; prom-client writes them once as text and keeps that, per object. */
  readonly sharedLabels?: Labels
  readonly value: number
  readonly metricName?: string
}

/** What `get` answers. */
export interface MetricAnswer {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly aggregator: MetricSpec['together']
  readonly values: Sample[]
}

/** What a registry knows of a metric. */
export abstract class Metric {
  /** Not readonly, because a registry of the OpenMetrics format writes the name back. */
  name: string
  readonly help: string
  readonly aggregator: MetricSpec['together']
  abstract readonly type: MetricAnswer['type']

  constructor(spec: MetricSpec, prefix: string) {
    this.name = prefix + spec.name
    this.help = spec.description
    this.aggregator = spec.together
  }

  async get(): Promise<MetricAnswer> {
    const { name, help, type, aggregator } = this
    return { name, help, type, aggregator, values: await this.samples() }
  }

  /** Forgets everything measured. For `registry.resetMetrics()`. */
  abstract reset(): void

  protected abstract samples(): Sample[] | Promise<Sample[]>
}

interface ValueSeries extends Series {
  value: number
}

const zero = (labels: Labels): ValueSeries => ({ labels, live: true, value: 0 })

abstract class ValueMetric extends Metric {
  protected readonly table: SeriesTable<ValueSeries>

  constructor(spec: MetricSpec, prefix: string) {
    super(spec, prefix)
    this.table = new SeriesTable(spec.labels, zero)
  }

  /** Makes the series where it is missing, at 0. */
  touch(labels: Attributes): void {
    this.table.of(labels)
  }

  reset(): void {
    this.table.remove()
  }

  /** Removes the series of a workflow. */
  forget(workflowName: string): void {
    this.table.remove((labels) => labels['workflow_name'] === workflowName)
  }

  protected samples(): Sample[] | Promise<Sample[]> {
    return Array.from(this.table.values(), ({ labels, value }) => ({ labels, value }))
  }
}

/** Only goes up. */
export class CounterMetric extends ValueMetric {
  readonly type = 'counter'

  add(n: number, labels: Attributes): void {
    if (!(n >= 0 && n < Number.POSITIVE_INFINITY)) throw invalid(this, n, 'a number of 0 or more')
    this.table.of(labels).value += n
  }
}

/** Goes up and down. */
export class GaugeMetric extends ValueMetric {
  readonly type = 'gauge'

  set(value: number, labels: Attributes): void {
    if (!Number.isFinite(value)) throw invalid(this, value, 'a finite number')
    this.table.of(labels).value = value
  }
}

export function invalid(metric: Metric, value: number, wanted: string): InvalidArgument {
  return new InvalidArgument(`${metric.name} takes ${wanted}; got ${value}, which was not measured`)
}
