/** The real engine, and the metrics right after known runs. */
import { unchecked, workflow, type WorkerInfrastructure } from '@workflow/core'
import { memory, memoryDatabase } from '@workflow/core/memory'
import { sqlite } from '@workflow/sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { prometheus } from '../src/index.ts'
import { eventually } from './eventually.ts'
import { samplesOf, valueOf } from './exposition.ts'

const ann = { reason: 'because', actor: 'ann' }
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

const orders = workflow('orders', {
  object: unchecked<{ readonly failures?: number; readonly waits?: boolean }>(),
  graph: { created: { step: ['paid'] }, paid: { step: ['done'] }, done: {} },
})
let gate = Promise.withResolvers<void>()
const definition = orders
  .addStep(
    'created',
    async (run) => {
      if (run.attempt <= (run.object.failures ?? 0)) throw new Error(`attempt ${run.attempt}`)
      if (run.object.waits === true) await gate.promise
      return 'paid'
    },
    { errBackOff: '1ms', pauseAfterErrCount: 3, parallelCount: 8 },
  )
  .addStep('paid', async () => 'done', { parallelCount: 8 })

type Ports = Pick<WorkerInfrastructure, 'recordStore' | 'eventStreamer' | 'roleScheduler'> & AsyncDisposable

const stores: readonly (readonly [string, () => Ports])[] = [
  ['memory', () => ({ ...memory({ database: memoryDatabase() }), [Symbol.asyncDispose]: () => Promise.resolve() })],
  [
    'SQLite',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'workflow-prometheus-'))
      const { close, ...ports } = sqlite({ file: join(folder, 'workflow.db') })
      const end = async (): Promise<void> => {
        await close()
        rmSync(folder, { recursive: true })
      }
      return { ...ports, [Symbol.asyncDispose]: end }
    },
  ],
]

const process = (name: string): Readonly<Record<string, string>> => ({ workflow_name: 'orders', process_name: name })
/** How often runs have gone from a state to another, whoever moved them. */
const moves = (text: string): Readonly<Record<string, number>> => {
  const sums: Record<string, number> = {}
  for (const { labels, value } of samplesOf(text, 'workflow_run_state_changes')) {
    const move = `${labels['previous_run_state']} > ${labels['current_run_state']}`
    sums[move] = (sums[move] ?? 0) + value
  }
  return sums
}
const runs = (text: string): Readonly<Record<string, number>> =>
  Object.fromEntries(samplesOf(text, 'workflow_runs').flatMap(({ labels, value }) => (value > 0 ? [[labels['run_state'], value]] : [])))

describe.each(stores)('on %s', { timeout: 60_000 }, (_, open) => {
  it('runs that complete are counted from their trigger to their end', async () => {
    await using ports = open()
    const registry = new Registry()
    await using app = definition.build({ ...ports, logger: quiet, instrumentation: prometheus({ registry, cache: '0s' }) })
    await app.run()
    const ids = await Promise.all(Array.from({ length: 20 }, (__, i) => app.trigger(`order ${i}`, { initialValue: {} })))
    for (const id of ids) await app.awaitCompletion(id)
    const text = await registry.metrics()
    expect(moves(text)).toEqual({ ' > Initiated': 20, 'Initiated > Running': 20, 'Running > Completed': 20 })
    for (const step of ['step created', 'step paid']) {
      expect(valueOf(text, 'workflow_process_latency_seconds_count', process(step))).toBe(20)
      expect(valueOf(text, 'workflow_process_error_count', process(step)) ?? 0).toBe(0)
      expect(valueOf(text, 'workflow_process_lag_seconds', process(step))).toBeLessThan(60)
      expect(valueOf(text, 'workflow_process_lag_alert', process(step))).toBe(0)
      expect(valueOf(text, 'workflow_process_states', process(step))).toBe(2)
    }
    expect(valueOf(text, 'workflow_store_seconds_count', { workflow_name: 'orders', operation: 'commit' })).toBeGreaterThan(0)
    expect(valueOf(text, 'workflow_streamer_seconds_count', { workflow_name: 'orders', operation: 'ack' })).toBeGreaterThan(0)
    expect(runs(text)).toEqual({ Completed: 20 })
    await eventually(async () => valueOf(await registry.metrics(), 'workflow_slots_held') === 16)
    // Every event has been acknowledged, those that this process had no need of as skipped ones.
    await eventually(async () => samplesOf(await registry.metrics(), 'workflow_receiver_lag_events').every(({ value }) => value === 0))
    const settled = await registry.metrics()
    const skipped = samplesOf(settled, 'workflow_process_skipped_events_count')
    expect(new Set(skipped.map(({ labels }) => labels['reason']))).toEqual(new Set(['already handled']))
    expect(valueOf(settled, 'workflow_receiver_lag_seconds')).toBe(0)
  })

  it('failed attempts, pauses, resumes and cancellations are counted one by one', async () => {
    await using ports = open()
    const registry = new Registry()
    await using app = definition.build({ ...ports, logger: quiet, instrumentation: prometheus({ registry, cache: '0s' }) })
    await app.run()
    const twice = await app.trigger('fails twice', { initialValue: { failures: 2 } })
    await app.awaitCompletion(twice)
    expect(valueOf(await registry.metrics(), 'workflow_process_error_count', process('step created'))).toBe(2)
    const poison = await app.trigger('fails for ever', { initialValue: { failures: 1_000 } })
    await eventually(async () => (await app.lookup(poison))?.state === 'Paused')
    const paused = await registry.metrics()
    expect(valueOf(paused, 'workflow_process_error_count', process('step created'))).toBe(5)
    expect(valueOf(paused, 'workflow_process_latency_seconds_count', process('step created'))).toBe(6)
    expect(runs(paused)).toEqual({ Completed: 1, Paused: 1 })
    await app.cancel(poison, ann)
    expect(moves(await registry.metrics())).toEqual({
      ' > Initiated': 2,
      'Initiated > Running': 1,
      'Running > Completed': 1,
      'Initiated > Paused': 1,
      'Paused > Cancelled': 1,
    })
    expect(runs(await registry.metrics())).toEqual({ Completed: 1, Cancelled: 1 })
  })

  it('what waits is seen: events in hand, and how far the receiver is behind', async () => {
    await using ports = open()
    const registry = new Registry()
    gate = Promise.withResolvers()
    await using app = definition.build({
      ...ports,
      logger: quiet,
      instrumentation: prometheus({ registry, cache: '0s' }),
      shutdownTimeout: '1s',
    })
    await app.run()
    const ids = await Promise.all(Array.from({ length: 3 }, (__, i) => app.trigger(`order ${i}`, { initialValue: { waits: true } })))
    // A run that was handed on from its trigger may have its event behind it.
    await eventually(async () => (valueOf(await registry.metrics(), 'workflow_events_in_hand') ?? 0) >= 3)
    const text = await registry.metrics()
    expect(samplesOf(text, 'workflow_receiver_lag_events').reduce((sum, { value }) => sum + value, 0)).toBeGreaterThanOrEqual(3)
    expect(runs(text)).toEqual({ Initiated: 3 })
    gate.resolve()
    for (const id of ids) await app.awaitCompletion(id)
    await eventually(async () => valueOf(await registry.metrics(), 'workflow_events_in_hand') === 0)
  })

  it('instances and workflows share a registry, and a stopped workflow leaves nothing in it', async () => {
    await using ports = open()
    const registry = new Registry()
    const instrumentation = prometheus({ registry, cache: '0s' })
    const letters = workflow('letters', { object: unchecked<{}>(), graph: { written: { step: ['sent'] }, sent: {} } })
    await using first = definition.build({ ...ports, logger: quiet, instrumentation })
    await using second = letters.addStep('written', async () => 'sent').build({ ...ports, logger: quiet, instrumentation })
    await first.run()
    await second.run()
    await first.awaitCompletion(await first.trigger('o', { initialValue: {} }))
    await second.awaitCompletion(await second.trigger('l', { initialValue: {} }))
    const both = await registry.metrics()
    expect(valueOf(both, 'workflow_slots', { workflow_name: 'orders' })).toBe(16)
    expect(valueOf(both, 'workflow_slots', { workflow_name: 'letters' })).toBe(16)
    await first.stop()
    const one = await registry.metrics()
    expect(one).not.toContain('"orders"')
    expect(valueOf(one, 'workflow_process_latency_seconds_count', { workflow_name: 'letters' })).toBe(1)
    await second.stop()
    expect((await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([])
  })
})
