/** Options of this package, checked and with defaults. */
import type { MeterProvider, TracerProvider } from '@opentelemetry/api'
import {
  type Clock,
  Configuration,
  consoleLogger,
  type Duration,
  durationMs,
  isWorkflowError,
  type Logger,
  type ObservedAsking,
  systemClock,
} from '@workflow/core/adapter'

/** Options of `opentelemetry`. */
export interface OpenTelemetryOptions {
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
  /**
   * Whether each collection asks the streamer how far receivers are behind, and the store how many runs there are. Where
   * many instances report, some may leave it to the others.
   * @default true
   */
  readonly queries?: boolean
  /** How long the answers are used again; one that took long is used for twenty times as long as it took. `'0s'`: asks every time. @default '5s' */
  readonly cache?: Duration
  /** How long a collection waits for the answers. What is late is left out, and counted. @default '2s' */
  readonly timeout?: Duration
  /** Is told when answers begin to be missing, and why. @default consoleLogger() */
  readonly logger?: Logger
  /** For tests. @default systemClock */
  readonly clock?: Clock
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
  'queries',
  'cache',
  'timeout',
  'logger',
  'clock',
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
    traces: booleanOf('traces', options.traces),
    metrics: booleanOf('metrics', options.metrics),
    linkAfterMs: options.linkAfter === false ? Infinity : msOf('linkAfter', options.linkAfter ?? '1h'),
    foreignIds: booleanOf('foreignIds', options.foreignIds),
    sampleAgain: booleanOf('sampleAgain', options.sampleAgain ?? false),
    asking: Object.freeze({
      queries: booleanOf('queries', options.queries),
      keepMs: msOf('cache', options.cache ?? '5s'),
      timeoutMs: msOf('timeout', options.timeout ?? '2s', 1),
      logger: options.logger ?? consoleLogger(),
      clock: options.clock ?? systemClock,
    }),
  })
}

function providerOf<P extends object>(name: string, method: keyof P & string, provider: P | undefined): P | undefined {
  if (provider === undefined || typeof provider[method] === 'function') return provider
  throw new Configuration(`the ${name} of opentelemetry is none: it lacks ${method}(); got ${shown(provider)}`)
}

function booleanOf(name: string, value = true): boolean {
  if (typeof value === 'boolean') return value
  throw new Configuration(`${name} of opentelemetry must be true or false; got ${shown(value)}`)
}

function msOf(name: string, duration: Duration, min = 0): number {
  try {
    const ms = durationMs(duration, `the ${name} of opentelemetry`)
    if (ms >= min) return ms
  } catch (error) {
    if (isWorkflowError(error)) throw new Configuration(error.message, { cause: error })
    throw error
  }
  throw new Configuration(`the ${name} of opentelemetry must be longer than nothing; got ${shown(duration)}`)
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value)
}
