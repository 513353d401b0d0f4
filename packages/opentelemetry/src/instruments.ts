/**
 * The instruments of one meter provider, which all workflows of the process share. Counters and gauges are kept here and
 * read when the SDK collects, because telling it of each event costs many times as much; durations go to it at once.
 */
import {
  type Histogram,
  type Meter,
  type MetricOptions,
  type ObservableResult,
  metrics,
  type MeterProvider,
  ROOT_CONTEXT,
  type Observable,
} from '@opentelemetry/api'
import type { Attributes, Observed } from '@workflow/core'
import { counterMetrics, gaugeMetrics, histogramMetrics, type MetricSpec, type ObservedAsking } from '@workflow/core/adapter'
import { AskedMetrics, optionsOf } from './asked-metrics.ts'
import { Cells } from './cells.ts'
import type { Settings } from './options.ts'

const scope = '@workflow/opentelemetry'

export class Instruments {
  readonly counters: ReadonlyMap<string, Cells>
  readonly gauges: ReadonlyMap<string, Cells>
  readonly #histograms: ReadonlyMap<string, Histogram>
  readonly #asked: AskedMetrics

  constructor(meter: Meter) {
    this.counters = kept(counterMetrics, (name, options) => meter.createObservableCounter(name, options))
    this.gauges = kept(gaugeMetrics, (name, options) => meter.createObservableGauge(name, options))
    this.#histograms = new Map(
      histogramMetrics.map((spec) => [
        spec.name,
        meter.createHistogram(spec.name, { ...optionsOf(spec), advice: { explicitBucketBoundaries: [...spec.buckets] } }),
      ]),
    )
    this.#asked = new AskedMetrics(meter)
  }

  record(name: string, seconds: number, labels: Attributes): void {
    this.#histograms.get(name)?.record(seconds, labels, ROOT_CONTEXT)
  }

  /** With the last instance of a workflow its gauges go to 0: nobody would move them any more. */
  attach(observed: Observed, asking: ObservedAsking): Disposable {
    const attached = this.#asked.attach(observed, asking)
    return {
      [Symbol.dispose]: () => {
        attached[Symbol.dispose]()
        if (!this.#asked.has(observed.workflowName)) for (const cells of this.gauges.values()) cells.clear(observed.workflowName)
      },
    }
  }
}

function kept(list: readonly MetricSpec[], create: (name: string, options: MetricOptions) => Observable): ReadonlyMap<string, Cells> {
  return new Map(
    list.map((spec) => {
      const cells = new Cells()
      create(spec.name, optionsOf(spec)).addCallback((result: ObservableResult) => {
        for (const { value, labels } of cells) result.observe(value, labels)
      })
      return [spec.name, cells]
    }),
  )
}

const byProvider = new WeakMap<Pick<MeterProvider, 'getMeter'>, Instruments>()

/** Those of the provider that was given, else of the one that is registered now. */
export function instrumentsOf({ meterProvider }: Settings): Instruments {
  const provider = meterProvider ?? metrics.getMeterProvider()
  let instruments = byProvider.get(provider)
  if (instruments === undefined) byProvider.set(provider, (instruments = new Instruments(provider.getMeter(scope))))
  return instruments
}
