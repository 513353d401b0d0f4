import type { Instrumentation } from '@workflow/core'
import { Configuration } from '@workflow/core/adapter'
import { MetricSet } from './metric-set.ts'
import { type MetricRegistry, type PrometheusOptions, type Settings, settingsOf } from './settings.ts'

/** By registry, then by prefix. */
const sets = new WeakMap<MetricRegistry, Map<string, MetricSet>>()

/**
 * Workflow's metrics in a registry of prom-client: `build({ …, instrumentation: prometheus({ registry }) })`. Any number of
 * workflows, instances and clients may share a registry, through one call or several. Throws `Configuration` for options
 * that cannot work, where something else has taken a name, and where an earlier call has given the registry other buckets.
 *
 * The series of a workflow go when its last instance in this process has stopped. A scrape never fails because of a
 * workflow: what cannot be asked is left out and counted in `workflow_scrape_error_count`.
 */
export function prometheus(options: PrometheusOptions): Instrumentation {
  const settings = settingsOf(options)
  const set = setOf(settings)
  const { counters, gauges, histograms } = set
  return Object.freeze({
    // What this version does not know is left out: nobody has said what its labels may be.
    count: (name, n, labels) => counters.get(name)?.add(n, labels),
    gauge: (name, value, labels) => gauges.get(name)?.set(value, labels),
    observe: (name, seconds, labels) => histograms.get(name)?.observe(seconds, labels),
    attach: (observed) => set.attach(observed, settings.asking),
  } satisfies Instrumentation)
}

/**
 * The metrics of the registry under this prefix, which two workflows share. Where it was cleared they begin anew, with the
 * workflows that still run.
 */
function setOf(settings: Settings): MetricSet {
  const { registry, prefix } = settings
  let ofRegistry = sets.get(registry)
  if (ofRegistry === undefined) sets.set(registry, (ofRegistry = new Map()))
  const known = ofRegistry.get(prefix)
  const set = known?.isIn(registry) === true ? known : (known?.begunAnew(settings) ?? new MetricSet(settings))
  if (!set.hasBucketsOf(settings))
    throw new Configuration('the registry has the metrics of workflows with other buckets already: give the same, or another registry')
  set.register(registry)
  ofRegistry.set(prefix, set)
  return set
}
