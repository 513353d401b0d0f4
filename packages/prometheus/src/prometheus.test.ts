import { type Instrumentation, isWorkflowError } from '@workflow/core'
import { AggregatorRegistry, Counter, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { parseExposition, samplesOf, valueOf } from '../test/exposition.ts'
import { fakeObserved } from '../test/fake-observed.ts'
import { prometheus } from './prometheus.ts'

const charge = Object.freeze({ workflow_name: 'orders', process_name: 'step created' })
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

function attach({ attach: given }: Instrumentation, workflowName: string): Disposable {
  if (given === undefined) throw new Error('cannot be asked')
  return given(fakeObserved(workflowName))
}

describe('prometheus', () => {
  it('counts, sets and observes under the names and labels of the reference', async () => {
    const registry = new Registry()
    const metrics = prometheus({ registry })
    metrics.count('workflow_process_error_count', 2, charge)
    metrics.count('workflow_process_error_count', 1, charge)
    metrics.gauge('workflow_process_lag_seconds', 3.5, charge)
    metrics.gauge('workflow_process_lag_seconds', 1.5, charge)
    const text = await registry.metrics()
    expect(valueOf(text, 'workflow_process_error_count', charge)).toBe(3)
    expect(valueOf(text, 'workflow_process_lag_seconds', charge)).toBe(1.5)
    expect(parseExposition(text).get('workflow_process_error_count')?.type).toBe('counter')
  })

  it('puts each duration into the first bucket that holds it, and counts upwards', async () => {
    const registry = new Registry()
    const metrics = prometheus({ registry, buckets: [0.1, 1] })
    for (const seconds of [0, 0.1, 0.5, 1, 7]) metrics.observe('workflow_process_latency_seconds', seconds, charge)
    const text = await registry.metrics()
    const bucket = (le: string): number | undefined => valueOf(text, 'workflow_process_latency_seconds_bucket', { ...charge, le })
    expect([bucket('0.1'), bucket('1'), bucket('+Inf')]).toEqual([2, 4, 5])
    expect(valueOf(text, 'workflow_process_latency_seconds_sum', charge)).toBeCloseTo(8.6)
    expect(valueOf(text, 'workflow_process_latency_seconds_count', charge)).toBe(5)
  })

  it('leaves out what it does not know, and takes nothing that is no measurement', async () => {
    const registry = new Registry()
    const metrics = prometheus({ registry })
    metrics.count('workflow_of_tomorrow_count', 1, { run_id: '1' })
    metrics.gauge('workflow_process_error_count', 1, charge)
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => metrics.count('workflow_process_error_count', wrong, charge)).toThrow(/workflow_process_error_count/)
    expect(() => metrics.gauge('workflow_process_lag_seconds', Number.NaN, charge)).toThrow(/finite/)
    expect(() => metrics.observe('workflow_store_seconds', Number.NaN, charge)).toThrow(/finite/)
    const text = await registry.metrics()
    expect([...parseExposition(text).values()].flatMap(({ samples }) => samples)).toEqual([])
    expect(text).not.toContain('tomorrow')
  })

  it('may be made again for a registry: everybody counts in one place', async () => {
    const registry = new Registry()
    prometheus({ registry }).count('workflow_process_error_count', 1, charge)
    prometheus({ registry, cache: '1s' }).count('workflow_process_error_count', 1, { ...charge })
    expect(valueOf(await registry.metrics(), 'workflow_process_error_count', charge)).toBe(2)
  })

  it('begins anew in a registry that was cleared', async () => {
    const registry = new Registry()
    prometheus({ registry }).count('workflow_process_error_count', 1, charge)
    registry.clear()
    prometheus({ registry }).count('workflow_process_error_count', 5, charge)
    expect(valueOf(await registry.metrics(), 'workflow_process_error_count', charge)).toBe(5)
  })

  it('shows workflows that still run when it is made again for a registry that was cleared', async () => {
    const registry = new Registry()
    const metrics = prometheus({ registry })
    using _attached = attach(metrics, 'orders')
    metrics.count('workflow_process_error_count', 3, charge)
    registry.clear()
    expect(await registry.metrics()).toBe('\n')
    prometheus({ registry })
    metrics.count('workflow_process_error_count', 1, charge)
    const text = await registry.metrics()
    expect(valueOf(text, 'workflow_process_error_count', charge)).toBe(1)
    expect(valueOf(text, 'workflow_slots', { workflow_name: 'orders' })).toBe(16)
    registry.clear()
    // With other buckets there is nothing that could go on.
    prometheus({ registry, buckets: [1] })
    expect(samplesOf(await registry.metrics(), 'workflow_slots')).toEqual([])
  })

  it('gives its own labels precedence over default labels of the same names', async () => {
    const registry = new Registry()
    registry.setDefaultLabels({ workflow_name: 'of the app', le: 'no bucket', region: 'eu' })
    const metrics = prometheus({ registry })
    metrics.count('workflow_process_error_count', 1, charge)
    metrics.observe('workflow_process_latency_seconds', 0.002, charge)
    const text = await registry.metrics()
    expect(valueOf(text, 'workflow_process_error_count', { ...charge, region: 'eu' })).toBe(1)
    expect(valueOf(text, 'workflow_process_latency_seconds_bucket', { ...charge, le: '0.0025' })).toBe(1)
    for (const line of text.split('\n')) expect(line.match(/workflow_name=/g)?.length ?? 0, line).toBeLessThan(2)
  })

  it('forgets what it has measured when the registry is told to', async () => {
    const registry = new Registry()
    const metrics = prometheus({ registry })
    metrics.count('workflow_process_error_count', 5, charge)
    metrics.observe('workflow_store_seconds', 1, { workflow_name: 'orders', operation: 'commit' })
    registry.resetMetrics()
    metrics.count('workflow_process_error_count', 1, charge)
    const text = await registry.metrics()
    expect(valueOf(text, 'workflow_process_error_count', charge)).toBe(1)
    expect(samplesOf(text, 'workflow_store_seconds_count')).toEqual([])
  })

  it('shares a registry with others, by a prefix where a name is taken', async () => {
    const registry = new Registry()
    const taken = new Counter({ name: 'workflow_run_state_changes', help: 'Of somebody else.', registers: [registry] })
    expect(() => prometheus({ registry })).toThrow(/workflow_run_state_changes.*prefix/)
    // All or nothing.
    expect(registry.getMetricsAsArray()).toEqual([taken])
    prometheus({ registry, prefix: 'acme_' }).count('workflow_process_error_count', 1, charge)
    taken.inc()
    const text = await registry.metrics()
    expect(valueOf(text, 'acme_workflow_process_error_count', charge)).toBe(1)
    expect(valueOf(text, 'workflow_run_state_changes')).toBe(1)
  })

  it('refuses other buckets than the registry has, and takes equal ones', () => {
    const registry = new Registry()
    prometheus({ registry, buckets: [1, 2] })
    prometheus({ registry, buckets: [1, 2] })
    let thrown: unknown
    try {
      prometheus({ registry })
    } catch (error) {
      thrown = error
    }
    expect(isWorkflowError(thrown, 'Configuration')).toBe(true)
  })

  it('keeps apart what registries count', async () => {
    const [one, two] = [new Registry(), new Registry()]
    prometheus({ registry: one }).count('workflow_process_error_count', 1, charge)
    prometheus({ registry: two }).count('workflow_process_error_count', 2, charge)
    expect(valueOf(await one.metrics(), 'workflow_process_error_count', charge)).toBe(1)
    expect(valueOf(await two.metrics(), 'workflow_process_error_count', charge)).toBe(2)
  })

  it('writes what Prometheus can read whatever the names are', async () => {
    const registry = new Registry()
    const metrics = prometheus({ registry })
    const names = [
      'a "quoted" name',
      'back\\slash',
      'line\nbreak',
      'ünïcode 🚀',
      '',
      '__proto__',
      'a,process_name:b',
      '{x="y"}',
      '# HELP x y',
    ]
    for (const name of names) {
      const labels = Object.freeze({ workflow_name: name, process_name: `step ${name}` })
      metrics.count('workflow_process_error_count', 1, labels)
      metrics.observe('workflow_process_latency_seconds', 1, labels)
    }
    const text = await registry.metrics()
    for (const name of names) expect(valueOf(text, 'workflow_process_error_count', { workflow_name: name })).toBe(1)
    expect(samplesOf(text, 'workflow_process_latency_seconds_count').map(({ labels }) => labels['process_name'])).toEqual(
      names.map((name) => `step ${name}`),
    )
  })

  it('writes OpenMetrics too, where counters are called by its rules', async () => {
    const registry = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>()
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
    const metrics = prometheus({ registry })
    metrics.count('workflow_process_error_count', 1, charge)
    for (let scrape = 0; scrape < 2; scrape++) {
      const text = await registry.metrics()
      expect(text).toContain('workflow_process_error_count_total{workflow_name="orders",process_name="step created"} 1\n')
      expect(text.endsWith('# EOF\n')).toBe(true)
    }
  })

  it('can be merged, given default labels, and put together over the processes of a cluster', async () => {
    const [one, two] = [new Registry(), new Registry()]
    for (const registry of [one, two]) {
      registry.setDefaultLabels({ region: 'eu' })
      const metrics = prometheus({ registry })
      metrics.count('workflow_process_error_count', 2, charge)
      metrics.gauge('workflow_process_lag_seconds', registry === one ? 4 : 3, charge)
      metrics.observe('workflow_process_latency_seconds', 0.003, charge)
    }
    expect(valueOf(await one.metrics(), 'workflow_process_error_count', { ...charge, region: 'eu' })).toBe(2)
    // As it travels between the processes.
    const sent = JSON.parse(JSON.stringify([await one.getMetricsAsJSON(), await two.getMetricsAsJSON()])) as object[]
    const text = await AggregatorRegistry.aggregate(sent).metrics()
    expect(valueOf(text, 'workflow_process_error_count', { ...charge, region: 'eu' })).toBe(4)
    expect(valueOf(text, 'workflow_process_lag_seconds', charge)).toBe(4)
    expect(valueOf(text, 'workflow_process_latency_seconds_bucket', { ...charge, le: '0.005' })).toBe(2)
    const other = new Registry()
    new Counter({ name: 'other', help: 'Of somebody else.', registers: [other] })
    one.setDefaultLabels({})
    expect(valueOf(await Registry.merge([one, other]).metrics(), 'workflow_process_error_count', charge)).toBe(2)
  })

  it('drops the series of a workflow with its last instance, and no others', async () => {
    const registry = new Registry()
    const metrics = prometheus({ registry, logger: quiet })
    const [first, second, other] = [attach(metrics, 'orders'), attach(metrics, 'orders'), attach(metrics, 'letters')]
    const letters = Object.freeze({ workflow_name: 'letters', process_name: 'step written' })
    for (const labels of [charge, letters]) {
      metrics.count('workflow_process_error_count', 1, labels)
      metrics.gauge('workflow_process_lag_alert', 1, labels)
      metrics.observe('workflow_process_latency_seconds', 1, labels)
    }
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    expect(valueOf(await registry.metrics(), 'workflow_process_lag_alert', charge)).toBe(1)
    second[Symbol.dispose]()
    const text = await registry.metrics()
    expect(text).not.toContain('"orders"')
    expect(valueOf(text, 'workflow_process_lag_alert', letters)).toBe(1)
    // A client of it may go on counting.
    metrics.count('workflow_process_error_count', 1, charge)
    expect(valueOf(await registry.metrics(), 'workflow_process_error_count', charge)).toBe(1)
    other[Symbol.dispose]()
  })
})
