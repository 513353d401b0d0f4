import type { BatchObservableResult, Meter, MetricOptions, ObservableGauge } from '@opentelemetry/api'
import type { Observed } from '@workflow/core'
import {
  askedMetrics,
  type AskedMetricName,
  type AskedValue,
  askedValues,
  type MetricSpec,
  missingAnswers,
  type ObservedAsking,
  ObservedWorkflows,
  stoppedValue,
} from '@workflow/core/adapter'
import { Cells } from './cells.ts'

/** What was last said of a workflow, by metric and labels. */
type Said = Map<string, Pick<AskedValue, 'name' | 'labels'>>

/**
 * What the workflows that run in this process are asked whenever the SDK collects. What has no answer is left out. Of a
 * workflow that has stopped here everything is 0, because an SDK shows the last value of a gauge for ever.
 */
export class AskedMetrics {
  readonly #workflows = new ObservedWorkflows()
  readonly #said = new Map<string, Said>()
  readonly #missing = new Cells()

  constructor(meter: Meter) {
    const gauges = new Map<AskedMetricName, ObservableGauge>(
      askedMetrics.map((spec) => [spec.name, meter.createObservableGauge(spec.name, optionsOf(spec))]),
    )
    const missing = meter.createObservableCounter(missingAnswers.name, optionsOf(missingAnswers))
    // In one callback, so that a question without an answer is counted in the collection that lacks it.
    meter.addBatchObservableCallback(
      async (result) => {
        await this.#collect(gauges, result)
        for (const { value, labels } of this.#missing) result.observe(missing, value, labels)
      },
      [...gauges.values(), missing],
    )
  }

  attach(observed: Observed, asking: ObservedAsking): Disposable {
    return this.#workflows.attach(observed, asking)
  }

  has(workflowName: string): boolean {
    return this.#workflows.has(workflowName)
  }

  async #collect(gauges: ReadonlyMap<AskedMetricName, ObservableGauge>, result: BatchObservableResult): Promise<void> {
    const tell = ({ name, labels }: Pick<AskedValue, 'name' | 'labels'>, value: number): void => {
      const gauge = gauges.get(name)
      if (gauge !== undefined) result.observe(gauge, value, labels)
    }
    const readings = await this.#workflows.read((workflowName, question) => {
      this.#missing.add(1, { workflow_name: workflowName, question })
    })
    for (const [workflowName, said] of this.#said)
      if (!this.has(workflowName)) for (const value of said.values()) tell(value, stoppedValue(value.name))
    for (const reading of readings) {
      const said = this.#saidOf(reading.workflowName)
      for (const value of askedValues(reading)) {
        tell(value, value.value)
        said.set(`${value.name} ${Object.values(value.labels).join()}`, value)
      }
    }
  }

  #saidOf(workflowName: string): Said {
    let said = this.#said.get(workflowName)
    if (said === undefined) this.#said.set(workflowName, (said = new Map()))
    return said
  }
}

/** What the API takes of a metric. */
export function optionsOf({ description, unit }: MetricSpec): MetricOptions {
  return unit === undefined ? { description } : { description, unit }
}
