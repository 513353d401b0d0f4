/** What new code would strand: runs that older code has left are held against it. */
import { after, type Compatibility, isWorkflowError, unchecked, workflow } from '@workflow/core'
import { jsonCodec } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { type Ports, World } from './world.ts'

interface Parcel {
  readonly n?: number
}
const object = unchecked<Parcel>()
const ann = { reason: 'because', actor: 'ann' }

/** What is in production. */
const old = workflow('parcels', {
  object,
  graph: {
    made: { step: ['packed'] },
    packed: { callback: ['sent'], timeout: ['late'] },
    sent: { callback: ['done'] },
    late: { callback: ['sent'] },
    done: {},
  },
})
const oldDefinition = old
  .addStep('made', async () => 'packed')
  .addCallback('packed', async () => 'sent')
  .addTimeout('packed', after('10d'), async () => 'late', { name: 'patience' })
  .addCallback('sent', async () => 'done')
  .addCallback('late', async () => 'sent')

/** Runs at `packed`, by foreign id. */
async function packed(world: World, foreignIds: readonly string[]) {
  const wf = await world.start((ports) => oldDefinition.build(ports))
  const runIds: string[] = []
  for (const foreignId of foreignIds) runIds.push(await wf.trigger(foreignId, { initialValue: {} }))
  for (const runId of runIds) await world.within(wf.await(runId, 'packed'))
  return { wf, runIds }
}

/** What matters of a finding. */
function brief({ stranded }: Compatibility) {
  return stranded.map(({ status, reason, name, count, runIds }) => ({ status, reason, name, count, runIds }))
}

test('the code that left the runs strands none of them, asked by contract, definition or worker', async () => {
  await using world = new World()
  const { wf } = await packed(world, ['a', 'b', 'c'])
  for (const asked of [old.client(world.ports()), oldDefinition.client(world.ports()), wf]) {
    expect(await asked.compatibility()).toEqual({
      workflowName: 'parcels',
      ok: true,
      known: true,
      unfinished: 3,
      inspected: 3,
      complete: true,
      stranded: [],
    })
  }
})

test('runs at a status that the graph has lost are counted, paused ones too, finished ones not', async () => {
  await using world = new World()
  const { wf, runIds } = await packed(world, ['a', 'b', 'c', 'd'])
  await wf.pause(runIds[1]!, ann)
  await wf.cancel(runIds[3]!, ann)
  const now = workflow('parcels', { object, graph: { made: { step: ['boxed'] }, boxed: { callback: ['done'] }, done: {} } })
  const answer = await now.client(world.ports()).compatibility({ samples: 2 })
  expect(brief(answer)).toEqual([{ status: 'packed', reason: 'status-gone', name: undefined, count: 3, runIds: [runIds[0], runIds[2]] }])
  expect(answer).toMatchObject({ ok: false, unfinished: 3, inspected: 0, complete: true })
  expect(answer.stranded[0]).toMatchObject({ atLeast: false, text: expect.stringContaining("the graph has no 'packed'") })
})

test('runs at a status that has become terminal are stranded', async () => {
  await using world = new World()
  const { runIds } = await packed(world, ['a'])
  const now = workflow('parcels', { object, graph: { made: { step: ['packed'] }, packed: {} } })
  expect(brief(await now.client(world.ports()).compatibility())).toEqual([
    { status: 'packed', reason: 'status-terminal', name: undefined, count: 1, runIds },
  ])
})

test('an open timer is held against the names of a definition, and against the graph alone where there are no handlers', async () => {
  await using world = new World()
  const { wf, runIds } = await packed(world, ['a', 'b'])
  // Held timers count: they are released with the run.
  await wf.pause(runIds[1]!, ann)
  const renamed = old
    .addStep('made', async () => 'packed')
    .addCallback('packed', async () => 'sent')
    .addTimeout('packed', after('10d'), async () => 'late', { name: 'fuse' })
    .addCallback('sent', async () => 'done')
    .addCallback('late', async () => 'sent')
  const missing = [{ status: 'packed', reason: 'timeout-gone', name: 'patience', count: 2, runIds }]
  expect(brief(await renamed.client(world.ports()).compatibility())).toEqual(missing)
  const built = await world.start((ports) => renamed.build(ports), 'b')
  expect(brief(await built.compatibility())).toEqual(missing)
  expect((await old.client(world.ports()).compatibility()).ok).toBe(true)

  const untimed = workflow('parcels', {
    object,
    graph: { made: { step: ['packed'] }, packed: { callback: ['sent'] }, sent: { callback: ['done'] }, done: {} },
  })
  expect(brief(await untimed.client(world.ports()).compatibility())).toEqual(missing)
})

test('a timer of a stay that is over strands nobody', async () => {
  await using world = new World()
  const { wf, runIds } = await packed(world, ['a'])
  await world.within(wf.callback({ runId: runIds[0]! }, 'packed', undefined, { wait: true }))
  const untimed = workflow('parcels', {
    object,
    graph: { made: { step: ['packed'] }, packed: { callback: ['sent'] }, sent: { callback: ['done'] }, done: {} },
  })
  expect(await untimed.client(world.ports()).compatibility()).toMatchObject({ ok: true, unfinished: 1, inspected: 1 })
})

test('runs wait for ever at a status that only timeouts leave, if they came before it had any', async () => {
  await using world = new World()
  const { wf, runIds } = await packed(world, ['a', 'b'])
  for (const runId of runIds) await world.within(wf.callback({ runId }, 'packed', undefined, { wait: true }))
  const now = workflow('parcels', {
    object,
    graph: { made: { step: ['packed'] }, packed: { callback: ['sent'] }, sent: { timeout: ['done'] }, done: {} },
  })
  expect(brief(await now.client(world.ports()).compatibility())).toEqual([
    { status: 'sent', reason: 'timer-missing', name: undefined, count: 2, runIds },
  ])
  // Under the same graph, a stay without a timer is what the code has wanted.
  const choosing = now
    .addStep('made', async () => 'packed')
    .addCallback('packed', async () => 'sent')
    .addTimeout(
      'sent',
      () => undefined,
      async () => 'done',
    )
  await wf.stop()
  const app = await world.start((ports) => choosing.build(ports), 'b')
  const runId = await app.trigger('c', { initialValue: {} })
  await app.callback({ runId }, 'packed', undefined, { queue: true })
  await world.within(app.await(runId, 'sent'))
  expect(brief(await app.compatibility())).toEqual([{ status: 'sent', reason: 'timer-missing', name: undefined, count: 2, runIds }])
})

test('a timeout that has chosen to leave its run where it is has not been lost', async () => {
  await using world = new World()
  const waiting = workflow('alarms', { object, graph: { set: { step: ['on'] }, on: { timeout: ['off'] }, off: {} } })
  const app = await world.start((ports) =>
    waiting
      .addStep('set', async () => 'on')
      .addTimeout('on', after('1h'), async (run) => run.skip())
      .build(ports),
  )
  const runId = await app.trigger('a', { initialValue: {} })
  await world.within(app.await(runId, 'on'))
  await world.pass(3_600_000)
  await world.until(async () => (await world.ports().timeoutStore.list({ owner: runId, status: 'open' }, { limit: 9 })).items.length === 0)
  const now = workflow('alarms', { object, graph: { set: { step: ['on'] }, on: { timeout: ['off', 'mute'] }, off: {}, mute: {} } })
  expect(await now.client(world.ports()).compatibility()).toMatchObject({ ok: true, inspected: 1 })
})

test('a callback in an inbox strands its run where its status takes none; one whose stay is over does not', async () => {
  await using world = new World()
  const { wf, runIds } = await packed(world, ['early', 'waiting', 'over'])
  const [early, waiting, over] = runIds
  await wf.callback({ runId: early! }, 'sent', undefined, { queue: true })
  // The worker must not handle what is meant to wait.
  await world.within(wf.callback({ runId: over! }, 'packed', undefined, { wait: true }))
  await wf.stop()
  const client = oldDefinition.client(world.ports('client'))
  await client.callback({ runId: waiting! }, 'packed')
  await client.callback({ runId: over! }, 'sent')
  const now = workflow('parcels', {
    object,
    graph: { made: { step: ['packed'] }, packed: { step: ['sent'], timeout: ['sent'] }, sent: { step: ['done'] }, done: {} },
  })
  expect(brief(await now.client(world.ports()).compatibility())).toEqual([
    { status: 'packed', reason: 'callback-gone', name: 'sent', count: 1, runIds: [early] },
    { status: 'packed', reason: 'callback-gone', name: 'packed', count: 1, runIds: [waiting] },
    { status: 'sent', reason: 'callback-gone', name: 'sent', count: 1, runIds: [over] },
  ])
})

test('a queued callback for a status that is gone is found where other runs show that there was one', async () => {
  await using world = new World()
  const client = old.client(world.ports())
  const runId = await client.trigger('early', { initialValue: {}, startAt: 'packed' })
  await client.callback({ runId }, 'sent', undefined, { queue: true })
  const there = await client.trigger('there', { initialValue: {}, startAt: 'sent' })
  const now = workflow('parcels', { object, graph: { packed: { callback: ['done'] }, done: {} } })
  expect(brief(await now.client(world.ports()).compatibility())).toEqual([
    { status: 'packed', reason: 'callback-gone', name: 'sent', count: 1, runIds: [runId] },
    { status: 'sent', reason: 'status-gone', name: undefined, count: 1, runIds: [there] },
  ])
})

test('a first status may be given timeouts: its timers start with the first look at the run', async () => {
  await using world = new World()
  const graph = { made: { callback: ['done'] }, done: {} } as const
  const runId = await workflow('parcels', { object, graph }).client(world.ports()).trigger('a', { initialValue: {} })
  const now = workflow('parcels', { object, graph: { ...graph, made: { timeout: ['done'] } } })
  expect(await now.client(world.ports()).compatibility()).toMatchObject({ ok: true, inspected: 1 })
  const app = await world.start((ports) => now.addTimeout('made', after('1m'), async () => 'done').build(ports))
  expect(await world.within(app.awaitCompletion(runId))).toMatchObject({ status: 'done' })
})

test('a callback for an earlier stay at the same status is refused by any code', async () => {
  await using world = new World()
  const client = old.client(world.ports())
  const runId = await client.trigger('a', { initialValue: {}, startAt: 'sent' })
  const body = jsonCodec.encode({ entered: 7 }, 1, { workflowName: 'parcels', foreignId: 'a', runId, kind: 'item' })
  await world
    .ports()
    .recordStore.commit({ id: 'left', append: [{ runId, stream: 'callback/sent', id: 'left', body: await body, ifUnfinished: true }] })
  const now = workflow('parcels', { object, graph: { made: { step: ['sent'] }, sent: { step: ['done'] }, done: {} } })
  expect(await now.client(world.ports()).compatibility()).toMatchObject({ ok: true, inspected: 1 })
  await client.callback({ runId }, 'sent')
  expect(brief(await now.client(world.ports()).compatibility())).toMatchObject([{ reason: 'callback-gone', name: 'sent' }])
})

test('a callback that is left over from an earlier stay is nobody’s loss', async () => {
  await using world = new World()
  const { wf, runIds } = await packed(world, ['a'])
  const [runId] = runIds
  await wf.stop()
  const client = oldDefinition.client(world.ports('client'))
  await client.callback({ runId: runId! }, 'packed', undefined, { key: 'first' })
  await client.callback({ runId: runId! }, 'packed', undefined, { key: 'second' })
  const again = await world.start((ports) => oldDefinition.build(ports), 'b')
  await world.within(again.await(runId!, 'sent'))
  const now = workflow('parcels', {
    object,
    graph: { made: { step: ['packed'] }, packed: { step: ['sent'], timeout: ['late'] }, late: {}, sent: { callback: ['done'] }, done: {} },
  })
  expect(await now.client(world.ports()).compatibility()).toMatchObject({ ok: true, inspected: 1 })
})

test('children that nothing joins any more strand their parent, also once they have finished', async () => {
  await using world = new World()
  const part = (name: string) => workflow(name, { object, graph: { cut: { callback: ['ready'] }, ready: {} } })
  const parts = part('parts')
  const graph = { ordered: { step: ['building'] }, building: { join: ['built'] }, built: {} } as const
  const cars = workflow('cars', { object, graph, children: { building: parts } })
  const definition = cars
    .addStep('ordered', async (run) => {
      run.startChild(parts, `${run.foreignId}/1`, { initialValue: {} })
      return 'building'
    })
    .addJoin('building', async () => 'built')
  const app = await world.start((ports) => definition.build(ports))
  const runIds = [await app.trigger('a', { initialValue: {} }), await app.trigger('b', { initialValue: {} })]
  for (const runId of runIds) await world.within(app.await(runId, 'building'))
  expect(await app.compatibility()).toMatchObject({ ok: true, inspected: 2 })
  await app.stop()
  const children = parts.client(world.ports('parts'))
  await children.cancel((await children.list({ foreignId: 'a/1' })).items[0]!.runId, ann)

  const joinless = workflow('cars', { object, graph: { ...graph, building: { step: ['built'] } } })
  const lost = [{ status: 'building', reason: 'join-gone', name: 'parts', count: 2, runIds }]
  expect(brief(await joinless.client(world.ports()).compatibility())).toEqual(lost)
  const others = workflow('cars', { object, graph, children: { building: part('pieces') } })
  expect(brief(await others.client(world.ports()).compatibility())).toEqual(lost)
})

test('runs that a newer schema version has written are left alone by this code, which says so', async () => {
  await using world = new World()
  const graph = { made: { callback: ['done'] }, done: {} } as const
  const at = (schemaVersion: number) => workflow('parcels', { object, graph, schemaVersion })
  await at(1).client(world.ports()).trigger('a', { initialValue: {} })
  const runId = await at(3).client(world.ports('newer')).trigger('b', { initialValue: {} })
  expect(brief(await at(2).client(world.ports()).compatibility())).toEqual([
    { status: 'made', reason: 'schema-newer', name: '3', count: 1, runIds: [runId] },
  ])
  expect((await at(3).client(world.ports()).compatibility()).ok).toBe(true)
})

test('findings come in the order of the graph, and what it lacks comes last', async () => {
  await using world = new World()
  const graph = { b: { step: ['a'] }, a: { callback: ['x'] }, x: { callback: ['y'] }, y: { callback: ['end'] }, end: {} } as const
  const before = workflow('letters', { object, graph }).client(world.ports())
  for (const startAt of ['y', 'x', 'a'] as const) await before.trigger(startAt, { initialValue: {}, startAt })
  const now = workflow('letters', { object, graph: { b: { step: ['a'] }, a: {} } })
  const { stranded } = await now.client(world.ports()).compatibility()
  expect(stranded.map(({ status }) => status)).toEqual(['a', 'x', 'y'])
})

test('asking changes nothing: no topics, no records, no events', async () => {
  await using world = new World()
  const ports = world.ports()
  const written: string[] = []
  const noting = <T extends object>(port: T, names: readonly string[]): T =>
    new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (!names.includes(String(name)) || typeof value !== 'function') return value
        return (...args: unknown[]): unknown => {
          written.push(String(name))
          return Reflect.apply(value, target, args)
        }
      },
    })
  const watched: Ports = {
    ...ports,
    recordStore: noting(ports.recordStore, ['commit', 'rewrite', 'purge', 'transaction']),
    eventStreamer: noting(ports.eventStreamer, ['ensure', 'newSender', 'newReceiver']),
  }
  expect(await old.client(watched).compatibility()).toMatchObject({ ok: true, known: false, unfinished: 0, complete: true })
  await old.client(ports).trigger('a', { initialValue: {} })
  expect(await old.client(watched).compatibility()).toMatchObject({ ok: true, known: true, unfinished: 1, inspected: 1 })
  expect(written).toEqual([])
})

test('a workflow whose runs have all finished is known', async () => {
  await using world = new World()
  const client = old.client(world.ports())
  await client.cancel(await client.trigger('a', { initialValue: {} }), ann)
  expect(await client.compatibility()).toMatchObject({ ok: true, known: true, unfinished: 0 })
})

test('a call with what it cannot use is refused, and one that is aborted ends', async () => {
  await using world = new World()
  const client = old.client(world.ports())
  for (const options of [
    { inspect: -1 },
    { inspect: 1.5 },
    { inspect: 'some' },
    { samples: 1_001 },
    { samples: 'x' },
    { signal: {} },
    null,
  ])
    await expect(client.compatibility(options as never)).rejects.toSatisfy((error) => isWorkflowError(error, 'InvalidArgument'))
  const reason = new Error('enough')
  await expect(client.compatibility({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  await client.close()
  await expect(client.compatibility()).rejects.toSatisfy((error) => isWorkflowError(error, 'Stopped'))
})
