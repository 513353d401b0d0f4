/** Options of this package, checked and with defaults. */
import type { MeterProvider, TracerProvider } from '@opentelemetry/api'
import {
  askingOf,
  askingOptions,
  type AskingOptions,
  checkedBoolean,
  checkedMs,
  Configuration,
  type Duration,
  type ObservedAsking,
} from '@workflow/core/adapter'

/** Options of `opentelemetry`. */
export interface OpenTelemetryOptions extends AskingOptions {
  /** Whose tracer makes the spans. @default the global one, also where it is registered later */
  readonly tracerProvider?: Pick<TracerProvider, 'getTracer'>
  /** Whose meter makes the instruments. @default the global one, as it is when the first workflow is built with this */
  readonly meterProvider?: Pick<MeterProvider, 'getMeter'>
  /** Whether there are spans. @default true */
  readonly traces?: boolean
  /** Whether there are metrics. @default true */
  readonly metrics?: boolean
  /**
   * How old a run may be for its spans to be children of the trace that it was triggered in; later each begins a trace of
   * its own, with a link to that one. `false`: it is never too old.
   * @default '1h'
   */
  readonly linkAfter?: Duration | false
  /**
   * Whether work of a run whose trace was not sampled is offered to the sampler once more. Samplers that heed parents, as
   * the SDK's do by default, would say no; not to ask saves most of what tracing costs.
   * @default false
   */
  readonly sampleAgain?: boolean
  /** Whether spans carry foreign ids, which may say whom a run is about. @default true */
  readonly foreignIds?: boolean
}

/** `OpenTelemetryOptions`, checked and with defaults. */
export interface Settings {
  readonly tracerProvider: OpenTelemetryOptions['tracerProvider']
  readonly meterProvider: OpenTelemetryOptions['meterProvider']
  readonly traces: boolean
  readonly metrics: boolean
  /** Infinity = never. */
  readonly linkAfterMs: number
  readonly foreignIds: boolean
  readonly sampleAgain: boolean
  readonly asking: ObservedAsking
}

const known: ReadonlySet<string> = new Set([
  'tracerProvider',
  'meterProvider',
  'traces',
  'metrics',
  'linkAfter',
  'sampleAgain',
  'foreignIds',
  ...askingOptions,
] satisfies (keyof OpenTelemetryOptions)[])

/** Checks options. Throws `Configuration`. */
export function settingsOf(options: OpenTelemetryOptions): Settings {
  // From JavaScript anything may come.
  if (typeof options !== 'object' || options === null)
    throw new Configuration(`opentelemetry takes an object of options, like opentelemetry({ linkAfter: '1h' }); got ${shown(options)}`)
  for (const name of Object.keys(options))
    if (!known.has(name)) throw new Configuration(`opentelemetry has no option ${shown(name)}; it knows ${[...known].join(', ')}`)
  return Object.freeze({
    tracerProvider: providerOf('tracerProvider', 'getTracer', options.tracerProvider),
    meterProvider: providerOf('meterProvider', 'getMeter', options.meterProvider),
    traces: checkedBoolean(options.traces ?? true, 'the traces of opentelemetry'),
    metrics: checkedBoolean(options.metrics ?? true, 'the metrics of opentelemetry'),
    linkAfterMs: options.linkAfter === false ? Infinity : checkedMs(options.linkAfter ?? '1h', 'the linkAfter of opentelemetry', 0),
    foreignIds: checkedBoolean(options.foreignIds ?? true, 'the foreignIds of opentelemetry'),
    sampleAgain: checkedBoolean(options.sampleAgain ?? false, 'the sampleAgain of opentelemetry'),
    asking: askingOf(options, 'opentelemetry'),
  })
}

function providerOf<P extends object>(name: string, method: keyof P & string, provider: P | undefined): P | undefined {
  if (provider === undefined || typeof provider[method] === 'function') return provider
  throw new Configuration(`the ${name} of opentelemetry is none: it lacks ${method}(); got ${shown(provider)}`)
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value)
}
