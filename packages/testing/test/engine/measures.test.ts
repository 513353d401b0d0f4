/** What is measured: every move between run states, the store and the stream, and what can be asked of a workflow at work. */
import { type Instrumentation, StoreUnavailable, unchecked, workflow } from '@workflow/core'
import { memoryDatabase, memoryEventStreamer } from '@workflow/core/memory'
import { expect, test } from 'vitest'
import { Meter } from './tracer.ts'
import { type Ports, World } from './world.ts'

const parts = workflow('parts', { object: unchecked<{ n: number }>(), graph: { made: { step: ['done'] }, done: {} } })
const wholes = workflow('wholes', {
  object: unchecked<{ mode?: 'fail' | 'skip' }>(),
  graph: { made: { step: ['joining', 'done'] }, joining: { join: ['done'] }, done: {} },
  children: { joining: parts },
})
const definition = wholes
  .addStep(
    'made',
    async (run) => {
      if (run.object.mode === 'fail') throw new Error('no luck')
      if (run.object.mode === 'skip') return run.skip()
      if (run.foreignId === 'alone') return 'done'
      run.startChild(parts, `part of ${run.foreignId}`, { initialValue: { n: 1 } })
      return 'joining'
    },
    { pauseAfterErrCount: 1 },
  )
  .addJoin('joining', async () => 'done')
const assembling = parts.addStep('made', async () => 'done')
const ann = { reason: 'because', actor: 'ann' }

/** Moves between run states as the histories tell them. */
async function moves(wf: ReturnType<typeof definition.build>, runIds: readonly string[]): Promise<Record<string, number>> {
  const totals: Record<string, number> = {}
  for (const runId of runIds) {
    let before = ''
    for (const { states } of (await wf.history(runId)).items)
      for (const state of states) {
        if (state === before) continue
        totals[`${before} ${state}`] = (totals[`${before} ${state}`] ?? 0) + 1
        before = state
      }
  }
  return totals
}

test('every move between run states is counted once, whoever made it, and those that one commit passes through, too', async () => {
  await using world = new World()
  const meter = new Meter()
  const started = (ports: Ports) => definition.build({ ...ports, instrumentation: meter, autoResume: '1h' })
  const wf = await world.start(started)
  await world.start((ports) => assembling.build({ ...ports, instrumentation: meter }), 'b')
  const parent = await wf.trigger('parent', { initialValue: {} })
  const alone = await wf.trigger('alone', { initialValue: {} })
  await world.within(wf.awaitCompletion(parent))
  await world.within(wf.awaitCompletion(alone))
  await wf.deleteData(alone, ann)
  const skipped = await wf.trigger('skipped', { initialValue: { mode: 'skip' } })
  await world.turns()
  await wf.pause(skipped, ann)
  await wf.resume(skipped, ann)
  await wf.cancel(skipped, ann)
  const failing = await wf.trigger('failing', { initialValue: { mode: 'fail' } })
  await world.until(async () => (await wf.lookup(failing))?.state === 'Paused')
  await wf.schedule('scheduled', '@hourly', { initialValue: {} })
  // The engine tries once more, and pauses again.
  await world.pass(3_700_000)
  await wf.cancel(failing, ann)
  const scheduled = (await wf.list({ foreignId: 'scheduled' })).items[0]?.runId ?? ''
  expect((await wf.lookup(alone))?.state).toBe('DataDeleted')
  const own = meter.of('workflow_run_state_changes').filter(({ labels }) => labels['workflow_name'] === 'wholes')
  const counted: Record<string, number> = {}
  for (const { labels, value } of own) {
    const key = `${String(labels['previous_run_state'])} ${String(labels['current_run_state'])}`
    counted[key] = (counted[key] ?? 0) + value
  }
  expect(counted).toEqual(await moves(wf, [parent, alone, skipped, failing, scheduled]))
  expect(counted).toMatchObject({ 'Initiated Running': 3, 'Paused Running': 2, 'RequestedDataDeleted DataDeleted': 1 })
  const names = ['workflow_name', 'process_name', 'previous_run_state', 'current_run_state'] as const
  expect(meter.totals('workflow_run_state_changes', ...names)).toMatchObject({
    'wholes trigger  Initiated': 4,
    'wholes timers  Initiated': 1,
    'wholes step made Initiated Running': 3,
    'wholes join joining Running Completed': 2,
    'wholes step made Initiated Paused': 1,
    'wholes timers Paused Running': 1,
    'wholes control Initiated Paused': 1,
    'wholes control Paused Running': 1,
    'wholes control Running Cancelled': 1,
    'wholes control Paused Cancelled': 1,
    'wholes data deletion RequestedDataDeleted DataDeleted': 1,
    'parts step made  Initiated': 2,
    'parts step made Initiated Running': 2,
    'parts step made Running Completed': 2,
  })
})

test('labels are frozen, few, and the same object whenever they are equal', async () => {
  await using world = new World()
  const meter = new Meter()
  const wf = await world.start((ports) => assembling.build({ ...ports, instrumentation: meter }))
  // From then on runs are handed on before their events come.
  await world.pass(1_000)
  for (let i = 0; i < 5; i++) await world.within(wf.awaitCompletion(await wf.trigger(`part ${i}`, { initialValue: { n: i } })))
  await world.turns()
  const labels = new Map<string, object>()
  for (const each of meter.measured) {
    const key = `${each.name} ${JSON.stringify(each.labels)}`
    expect(Object.isFrozen(each.labels)).toBe(true)
    expect(labels.get(key) ?? each.labels).toBe(each.labels)
    labels.set(key, each.labels)
    expect(Object.keys(each.labels)[0]).toBe('workflow_name')
    if (!/^workflow_(store|streamer)_/.test(each.name)) expect(Object.keys(each.labels)[1]).toBe('process_name')
  }
  expect(Object.keys(meter.totals('workflow_process_skipped_events_count', 'process_name', 'reason'))).toEqual(['runs already handled'])
})

test('calls of the store and the streamer are measured by operation, those that fail as well', async () => {
  await using world = new World({ database: memoryDatabase({ committedEvents: 'outbox' }) })
  const meter = new Meter()
  const eventStreamer = memoryEventStreamer({ database: memoryDatabase(), clock: world.clock })
  let away = false
  const wf = await world.start((ports) => assembling.build({ ...ports, eventStreamer, instrumentation: meter }), 'a', {
    change: (store) => ({
      ...store,
      history: async (...args) => {
        if (away) throw new StoreUnavailable('the store is away')
        return await store.history(...args)
      },
    }),
  })
  const runId = await wf.trigger('part', { initialValue: { n: 1 } })
  await world.within(wf.awaitCompletion(runId))
  await wf.history(runId)
  away = true
  await expect(wf.history(runId)).rejects.toThrow(/away/)
  await world.until(() => meter.of('workflow_streamer_seconds').some(({ labels }) => labels['operation'] === 'ack'))
  const store = meter.of('workflow_store_seconds')
  expect(store.every(({ kind, labels }) => kind === 'observe' && labels['workflow_name'] === 'parts')).toBe(true)
  const operations = (name: string): Record<string, number> =>
    Object.fromEntries(
      Object.keys(meter.totals(name, 'operation')).map((operation) => [
        operation,
        meter.of(name).filter(({ labels }) => labels['operation'] === operation).length,
      ]),
    )
  expect(operations('workflow_store_seconds')).toMatchObject({ commit: 2, lookup: expect.any(Number), history: 2 })
  expect(operations('workflow_store_seconds')['timers.nextExpiry']).toBeGreaterThan(0)
  expect(operations('workflow_streamer_seconds')).toMatchObject({
    ensure: expect.any(Number),
    newReceiver: expect.any(Number),
    send: expect.any(Number),
    ack: 1,
  })
})

test('who attaches itself can ask a workflow at work, and is let go when it has stopped', async () => {
  await using world = new World()
  const meter = new Meter()
  const broken: Instrumentation = {
    count: meter.count,
    gauge: meter.gauge,
    observe: meter.observe,
    attach: () => {
      throw new Error('no')
    },
  }
  const wf = assembling.build({ ...world.ports(), instrumentation: [meter, broken] })
  expect(meter.attached).toEqual([])
  await wf.run()
  const [observed] = meter.attached
  await world.until(() => observed?.slots().held === 2)
  expect(observed?.workflowName).toBe('parts')
  expect(observed?.slots()).toEqual({ held: 2, total: 2 })
  expect(observed?.inFlight()).toEqual({ events: 0, limit: 1_024 })
  expect(observed?.states()).toEqual(wf.states())
  await world.within(wf.awaitCompletion(await wf.trigger('part', { initialValue: { n: 1 } })))
  expect([...((await observed?.runs()) ?? [])]).toEqual([['Completed', 1]])
  await world.turns()
  expect(await observed?.receivers()).toMatchObject([{ name: expect.stringContaining('parts'), events: 0 }])
  expect(world.logged('error', 'the instrumentation threw').map(({ fields }) => fields['workflow'])).toEqual(['parts'])
  await world.within(wf.stop())
  expect([meter.attached.length, meter.detached]).toEqual([1, 1])
})

test('what was asked of a store that is away fails, and does not hang', async () => {
  await using world = new World()
  const meter = new Meter()
  const never = new Promise<never>(() => undefined)
  const wf = await world.start((ports) => assembling.build({ ...ports, instrumentation: meter }), 'a', {
    change: (store) => ({ ...store, count: () => never }),
    storeTimeout: '1s',
  })
  const asked = meter.attached[0]?.runs()
  await expect(world.within(asked ?? never)).rejects.toMatchObject({ code: 'StoreUnavailable' })
  expect(wf.healthy()).toBe(true)
})

test('an outbox that has been emptied lags no more', async () => {
  await using world = new World({ database: memoryDatabase({ committedEvents: 'outbox' }) })
  const meter = new Meter()
  const eventStreamer = memoryEventStreamer({ database: memoryDatabase(), clock: world.clock })
  const client = parts.client({ ...world.ports('c'), eventStreamer })
  await client.trigger('part', { initialValue: { n: 1 } })
  await world.pass(120_000)
  await world.start((ports) => assembling.build({ ...ports, eventStreamer, instrumentation: meter }))
  await world.until(() => meter.of('workflow_process_lag_alert').some(({ labels }) => labels['process_name'] === 'outbox'))
  await world.pass(10_000)
  const lags = (name: string): readonly number[] =>
    meter
      .of(name)
      .filter(({ labels }) => labels['process_name'] === 'outbox')
      .map(({ value }) => value)
  expect(Math.max(...lags('workflow_process_lag_seconds'))).toBeGreaterThanOrEqual(120)
  expect(lags('workflow_process_lag_seconds').at(-1)).toBe(0)
  expect(lags('workflow_process_lag_alert')).toEqual([1, 0])
})
