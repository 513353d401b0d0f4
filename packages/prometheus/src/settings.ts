/** Options of this package, checked and with defaults. */
import {
  askingOf,
  askingOptions,
  type AskingOptions,
  attemptBuckets,
  callBuckets,
  Configuration,
  type ObservedAsking,
} from '@workflow/core/adapter'

/**
 * A registry of prom-client 15, or one that works like it. `prom-client` itself is not loaded by this package.
 */
export interface MetricRegistry {
  readonly registerMetric: (metric: never) => void
  readonly getSingleMetric: (name: string) => unknown
}

/** Options of `prometheus`. */
export interface PrometheusOptions extends AskingOptions {
  /** Where the metrics are kept: `register` of prom-client, or a `Registry` of your own. */
  readonly registry: MetricRegistry
  /** Put in front of every metric's name. The dashboard and the alert rules are written for none. @default '' */
  readonly prefix?: string
  /**
   * Upper bounds, in seconds, of the buckets of attempts, ascending.
   * @default 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30 60 300
   */
  readonly buckets?: readonly number[]
  /**
   * The same of calls of the store and the streamer.
   * @default 0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10
   */
  readonly callBuckets?: readonly number[]
}

/** `PrometheusOptions`, checked and with defaults. */
export interface Settings {
  readonly registry: MetricRegistry
  readonly prefix: string
  readonly buckets: readonly number[]
  readonly callBuckets: readonly number[]
  readonly asking: ObservedAsking
}

const bucketsMax = 100

const known: ReadonlySet<string> = new Set([
  'registry',
  'prefix',
  'buckets',
  'callBuckets',
  ...askingOptions,
] satisfies (keyof PrometheusOptions)[])

/** Checks options. Throws `Configuration`. */
export function settingsOf(options: PrometheusOptions): Settings {
  // From JavaScript anything may come.
  if (typeof options !== 'object' || options === null)
    throw new Configuration(`prometheus takes an object of options, like prometheus({ registry }); got ${shown(options)}`)
  for (const name of Object.keys(options))
    if (!known.has(name)) throw new Configuration(`prometheus has no option ${shown(name)}; it knows ${[...known].join(', ')}`)
  return Object.freeze({
    registry: registryOf(options.registry),
    prefix: prefixOf(options.prefix),
    buckets: bucketsOf('buckets', options.buckets ?? attemptBuckets),
    callBuckets: bucketsOf('callBuckets', options.callBuckets ?? callBuckets),
    asking: askingOf(options, 'prometheus'),
  })
}

function registryOf(registry: MetricRegistry | undefined): MetricRegistry {
  if (typeof registry?.registerMetric === 'function' && typeof registry.getSingleMetric === 'function') return registry
  throw new Configuration(
    "prometheus needs a registry of prom-client: prometheus({ registry: new Registry() }), or { registry: register } for prom-client's own",
  )
}

function prefixOf(prefix = ''): string {
  if (typeof prefix === 'string' && /^([A-Za-z_][A-Za-z0-9_]{0,63})?$/.test(prefix)) return prefix
  throw new Configuration(`the prefix of prometheus must be letters, digits and '_', like 'acme_', 64 at most; got ${shown(prefix)}`)
}

function bucketsOf(name: string, bounds: readonly number[]): readonly number[] {
  const fine =
    Array.isArray(bounds) &&
    bounds.length > 0 &&
    bounds.length <= bucketsMax &&
    bounds.every((bound, i) => Number.isFinite(bound) && bound > 0 && bound > (bounds[i - 1] ?? 0))
  if (fine) return Object.freeze([...bounds])
  throw new Configuration(`the ${name} of prometheus must be 1 to ${bucketsMax} ascending numbers of seconds above 0, like [0.01, 0.1, 1]`)
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value)
}
