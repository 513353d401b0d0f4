/** The instrumentations that are compared, with what a process in production has behind them, and the parts of tracing. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Instrumentation, SpanStart } from '@workflow/core'
import { opentelemetry } from '@workflow/opentelemetry'
import { prometheus } from '@workflow/prometheus'
import { Registry } from 'prom-client'

export interface Observation {
  /** Absent: nothing is measured. */
  readonly instrumentation?: Instrumentation
  readonly end: () => Promise<void>
}

const sampled = 0.1
const collectEveryMs = 5_000

const off = 'off'
const tracing = `tracing ${sampled * 100} %`

const observations: Readonly<Record<string, () => Observation>> = {
  [off]: () => ({ end: async () => undefined }),
  'metrics, Prometheus': scraped,
  'metrics, OpenTelemetry': collected,
  [tracing]: traced,
}

/** Each does what the one before does, and more. */
const tracingParts: Readonly<Record<string, () => Observation>> = {
  'spans of nothing': () => spanning((_start, work) => work(undefined)),
  'trace contexts': () => spanning((start, work) => work(contextOf(start))),
  'trace contexts, AsyncLocalStorage': () => {
    const storage = new AsyncLocalStorage<string>()
    return spanning((start, work) => {
      const traceparent = contextOf(start)
      return storage.run(traceparent, work, traceparent)
    })
  },
}

/** None first: the others are compared with it. */
export const observationNames: readonly string[] = Object.keys(observations)
/** The same for what tracing consists of. */
export const tracingPartNames: readonly string[] = [off, ...Object.keys(tracingParts), tracing]

/** Begins what one of the names stands for. */
export function observation(name: string): Observation {
  const begun = (observations[name] ?? tracingParts[name])?.()
  if (begun === undefined) throw new Error(`there is no way to observe by the name of '${name}'`)
  return begun
}

function spanning(span: NonNullable<Instrumentation['span']>): Observation {
  const nothing = (): void => undefined
  return { instrumentation: { span, count: nothing, gauge: nothing, observe: nothing }, end: async () => undefined }
}

const traces = randomBytes(12).toString('hex')
let contexts = 0

/** Of the run, or a new one that is not sampled; making it costs next to nothing. */
function contextOf({ traceparent }: SpanStart): string {
  if (traceparent !== undefined) return traceparent
  const number = (++contexts).toString(16).padStart(8, '0')
  return `00-${traces}${number}-${traces.slice(0, 8)}${number}-00`
}

function collected(): Observation {
  const meterProvider = new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
        exportIntervalMillis: collectEveryMs,
        exportTimeoutMillis: collectEveryMs,
      }),
    ],
  })
  return { instrumentation: opentelemetry({ traces: false, meterProvider }), end: () => meterProvider.shutdown() }
}

/** In a registry that is read as often as the other's reader collects. */
function scraped(): Observation {
  const registry = new Registry()
  const instrumentation = prometheus({ registry })
  const timer = setInterval(() => void registry.metrics(), collectEveryMs)
  return { instrumentation, end: async () => clearInterval(timer) }
}

/** Spans are batched and then dropped: encoding and sending them is the exporter's, and can be another process's. */
function traced(): Observation {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const exporter: SpanExporter = {
    // 0 is success.
    export: (_spans, done) => done({ code: 0 }),
    shutdown: async () => undefined,
  }
  const tracerProvider = new TracerProvider({
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampled) }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  })
  return { instrumentation: opentelemetry({ metrics: false, tracerProvider }), end: () => tracerProvider.shutdown() }
}
