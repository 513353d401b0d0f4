import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { DataPointType, MeterProvider, type MetricData, MetricReader } from '@opentelemetry/sdk-metrics'
import type { Observed } from '@workflow/core'
import { StoreUnavailable } from '@workflow/core'
import { memory, memoryDatabase } from '@workflow/core/memory'
import { expect, test } from 'vitest'
import { ManualClock } from '../../core/test/manual-clock.ts'
import { lettersOn } from '../test/letters.ts'
import { opentelemetry } from './index.ts'

const ignored = (): void => undefined

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {
    // Nothing is kept.
  }
  protected override async onShutdown(): Promise<void> {
    // Nothing is open.
  }
}

interface Metered {
  readonly meterProvider: MeterProvider
  readonly reader: Reader
  readonly metrics: () => Promise<ReadonlyMap<string, MetricData>>
}

function metered(): Metered {
  const reader = new Reader()
  const metrics = async (): Promise<ReadonlyMap<string, MetricData>> => {
    const { resourceMetrics, errors } = await reader.collect()
    expect(errors).toEqual([])
    return new Map(resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics.map((metric) => [metric.descriptor.name, metric])))
  }
  return { meterProvider: new MeterProvider({ readers: [reader] }), reader, metrics }
}

/** The values of a metric by its labels but the workflow's. */
function values(metric: MetricData | undefined): Record<string, unknown> {
  return Object.fromEntries(
    (metric?.dataPoints ?? []).map(({ attributes, value }) => [
      Object.entries(attributes)
        .filter(([key]) => key !== 'workflow_name')
        .map(([, label]) => String(label))
        .join(' '),
      typeof value === 'number' ? value : value.count,
    ]),
  )
}

function observed(changes: Partial<Observed> = {}): Observed {
  return {
    workflowName: 'letters',
    states: () => [{ name: 'step written', state: 'running' }],
    slots: () => ({ held: 3, total: 16 }),
    inFlight: () => ({ events: 5, limit: 1_024 }),
    receivers: async () => [{ name: 'letters/runs', events: 2, oldest: new Date(Date.now() - 60_000) }],
    runs: async () => new Map([['Running', 7]]),
    ...changes,
  }
}

test('what the engine tells arrives by its names, as counters, gauges and histograms', async () => {
  const { meterProvider, metrics } = metered()
  await using app = lettersOn({ ...memory(), instrumentation: opentelemetry({ meterProvider }) })
  await app.run()
  const runId = await app.trigger('letter', { initialValue: { text: 'Dear Ann' } })
  await app.await(runId, 'checked')
  await app.callback({ runId }, 'checked', undefined)
  await app.awaitCompletion(runId)
  const told = await metrics()
  expect(told.get('workflow_run_state_changes')).toMatchObject({ dataPointType: DataPointType.SUM, isMonotonic: true })
  expect(values(told.get('workflow_run_state_changes'))).toEqual({
    'trigger  Initiated': 1,
    'step written Initiated Running': 1,
    'callback checked Running Completed': 1,
  })
  expect(told.get('workflow_process_latency_seconds')).toMatchObject({ descriptor: { unit: 's' }, dataPointType: DataPointType.HISTOGRAM })
  expect(values(told.get('workflow_process_latency_seconds'))).toMatchObject({ 'step written': 1, 'callback checked': 1 })
  expect(values(told.get('workflow_process_lag_alert'))).toMatchObject({ 'step written': 0 })
  expect(Object.keys(values(told.get('workflow_store_seconds')))).toContain('commit')
  expect(values(told.get('workflow_process_states'))['step written']).toBe(2)
  expect(values(told.get('workflow_slots'))).toEqual({ '': 16 })
  expect(values(told.get('workflow_runs'))).toMatchObject({ Completed: 1, Paused: 0 })
})

test('an exporter for Prometheus leaves the names as they are, but for counters', async () => {
  const { meterProvider, reader } = metered()
  const instrumentation = opentelemetry({ meterProvider })
  using _attached = instrumentation.attach?.(observed())
  const labels = { workflow_name: 'letters', process_name: 'step written' }
  instrumentation.count('workflow_process_error_count', 1, labels)
  instrumentation.gauge('workflow_process_lag_seconds', 1, labels)
  instrumentation.observe('workflow_process_latency_seconds', 0.02, labels)
  const text = new PrometheusSerializer().serialize((await reader.collect()).resourceMetrics)
  const names = text.split('\n').flatMap((line) => /^(workflow_[a-z_]+)\{/.exec(line)?.[1] ?? [])
  expect([...new Set(names)].toSorted()).toEqual([
    'workflow_events_in_hand',
    'workflow_events_in_hand_limit',
    'workflow_process_error_count_total',
    'workflow_process_lag_seconds',
    'workflow_process_latency_seconds_bucket',
    'workflow_process_latency_seconds_count',
    'workflow_process_latency_seconds_sum',
    'workflow_process_states',
    'workflow_receiver_lag_events',
    'workflow_receiver_lag_seconds',
    'workflow_runs',
    'workflow_slots',
    'workflow_slots_held',
  ])
  expect(text).toContain('le="0.025"')
})

test('instances of a workflow in one process are added, however many instrumentations they have', async () => {
  const { meterProvider, metrics } = metered()
  const database = memoryDatabase()
  const start = (instance: string): ReturnType<typeof lettersOn> =>
    lettersOn({ ...memory({ database, instance }), instrumentation: opentelemetry({ meterProvider }) })
  await using a = start('a')
  await using b = start('b')
  await a.run()
  await b.run()
  await a.await(await a.trigger('one', { initialValue: { text: '' } }), 'checked')
  await b.await(await b.trigger('two', { initialValue: { text: '' } }), 'checked')
  const told = await metrics()
  expect(values(told.get('workflow_run_state_changes'))).toEqual({ 'trigger  Initiated': 2, 'step written Initiated Running': 2 })
  expect(values(told.get('workflow_slots_held'))).toEqual({ '': 16 })
  expect(values(told.get('workflow_events_in_hand_limit'))).toEqual({ '': 2_048 })
})

test('a workflow that has stopped is asked no more, and its gauges are 0; what was counted stays', async () => {
  const { meterProvider, metrics } = metered()
  const instrumentation = opentelemetry({ meterProvider })
  const labels = { workflow_name: 'letters', process_name: 'step written' }
  const attached = instrumentation.attach?.(observed())
  const other = instrumentation.attach?.(observed())
  instrumentation.gauge('workflow_process_lag_seconds', 9, labels)
  instrumentation.count('workflow_process_error_count', 1, labels)
  attached?.[Symbol.dispose]()
  expect(values((await metrics()).get('workflow_process_lag_seconds'))).toEqual({ 'step written': 9 })
  other?.[Symbol.dispose]()
  const told = await metrics()
  expect(values(told.get('workflow_process_lag_seconds'))).toEqual({ 'step written': 0 })
  expect(values(told.get('workflow_slots_held'))).toEqual({ '': 0 })
  expect(values(told.get('workflow_process_states'))).toEqual({ 'step written': 1 })
  expect(values(told.get('workflow_receiver_lag_seconds'))).toEqual({ 'letters/runs': 0 })
  expect(values(told.get('workflow_process_error_count'))).toEqual({ 'step written': 1 })
  instrumentation.gauge('workflow_process_lag_seconds', 4, labels)
  expect(values((await metrics()).get('workflow_process_lag_seconds'))).toEqual({ 'step written': 4 })
})

test('a store that is away leaves its answers out, and nothing else', async () => {
  const { meterProvider, metrics } = metered()
  const away = async (): Promise<never> => {
    throw new StoreUnavailable('the store is away')
  }
  const logger = { debug: ignored, info: ignored, error: ignored, warn: ignored }
  using _attached = opentelemetry({ meterProvider, logger }).attach?.(observed({ receivers: away, runs: away }))
  const told = await metrics()
  expect(values(told.get('workflow_slots_held'))).toEqual({ '': 3 })
  expect(values(told.get('workflow_scrape_error_count'))).toEqual({ receivers: 1, runs: 1 })
  expect([told.get('workflow_runs')?.dataPoints ?? [], told.get('workflow_receiver_lag_events')?.dataPoints ?? []]).toEqual([[], []])
})

test('a store that does not answer holds up neither the collection nor what else it has, and is counted', async () => {
  const { meterProvider, metrics } = metered()
  const clock = new ManualClock()
  const lines: object[] = []
  const logger = { debug: ignored, info: ignored, error: ignored, warn: (fields: object) => lines.push(fields) }
  const runs = (): Promise<never> => new Promise(() => undefined)
  using _attached = opentelemetry({ meterProvider, clock, logger }).attach?.(observed({ runs }))
  const collected = metrics()
  await clock.advance(2_000)
  const told = await collected
  expect(values(told.get('workflow_slots_held'))).toEqual({ '': 3 })
  expect(told.get('workflow_runs')?.dataPoints ?? []).toEqual([])
  expect(values(told.get('workflow_scrape_error_count'))).toEqual({ runs: 1 })
  expect(lines).toEqual([{ workflow: 'letters', question: 'runs', timeoutMs: 2_000 }])
})

test('the store is not asked again for a while', async () => {
  const { meterProvider, metrics } = metered()
  const clock = new ManualClock()
  let asked = 0
  const runs = async (): Promise<ReadonlyMap<string, number>> => new Map([['Running', (asked += 1)]])
  using _attached = opentelemetry({ meterProvider, clock }).attach?.(observed({ runs }))
  await metrics()
  expect(values((await metrics()).get('workflow_runs'))).toMatchObject({ Running: 1 })
  await clock.advance(5_000)
  expect(values((await metrics()).get('workflow_runs'))).toMatchObject({ Running: 2 })
})

test('where others are asked, the store and the streamer are left in peace', async () => {
  const { meterProvider, metrics } = metered()
  const asked: string[] = []
  const noting = (what: string) => async (): Promise<never> => {
    asked.push(what)
    throw new Error(what)
  }
  const instrumentation = opentelemetry({ meterProvider, queries: false })
  using _attached = instrumentation.attach?.(observed({ receivers: noting('receivers'), runs: noting('runs') }))
  expect(values((await metrics()).get('workflow_events_in_hand'))).toEqual({ '': 5 })
  expect(asked).toEqual([])
})

test('how old the oldest event of a receiver is, and nothing where there is none', async () => {
  const { meterProvider, metrics } = metered()
  const receivers = async (): ReturnType<Observed['receivers']> => [
    { name: 'behind', events: 2, oldest: new Date(Date.now() - 60_000) },
    { name: 'there', events: 0 },
    { name: 'unknown', events: 4 },
  ]
  using _attached = opentelemetry({ meterProvider }).attach?.(observed({ receivers }))
  const told = await metrics()
  expect(values(told.get('workflow_receiver_lag_events'))).toEqual({ behind: 2, there: 0, unknown: 4 })
  const ages = values(told.get('workflow_receiver_lag_seconds'))
  expect(Object.keys(ages)).toEqual(['behind', 'there'])
  expect(Math.round(Number(ages['behind']) / 10)).toBe(6)
})

test('metrics and traces can each be had alone', () => {
  const traces = opentelemetry({ metrics: false })
  expect([typeof traces.span, traces.attach, traces.count('workflow_process_error_count', 1, {})]).toEqual([
    'function',
    undefined,
    undefined,
  ])
  const alone = opentelemetry({ traces: false })
  expect([alone.span, typeof alone.attach]).toEqual([undefined, 'function'])
})
