/** What the simulation has found in the engine, as small as it gets. */
import { after, unchecked, workflow } from '@workflow/core'
import type { Delivery, RunRecord } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { gate, type Ports, receiving, World } from '../engine/world.ts'

const thing = { object: unchecked<{ n: number }>() }
const one = { initialValue: { n: 1 } }
const person = { reason: 'r', actor: 'a' }

test('a timeout whose handler pauses the run fires again after the resume', async () => {
  await using world = new World()
  const waits = workflow('waits', { ...thing, graph: { a: { timeout: ['b'] }, b: {} } })
  let calls = 0
  const wf = await world.start((ports) =>
    waits.addTimeout('a', after('10s'), async (run) => (++calls === 1 ? run.pause('not yet') : 'b')).build(ports),
  )
  const runId = await world.within(wf.trigger('x', one))
  await world.until(async () => (await wf.lookup(runId))?.state === 'Paused')
  await world.within(wf.resume(runId, person))
  expect((await world.within(wf.awaitCompletion(runId))).status).toBe('b')
})

test('an acknowledgement that fails is sent again until it is through', async () => {
  await using world = new World()
  const waits = workflow('waits', { ...thing, graph: { a: { callback: ['b'] }, b: {} } })
  let refused = 0
  const wf = await world.start((ports) => {
    const { eventStreamer } = ports
    const failing = (delivery: Delivery<never>): Delivery<never> => ({
      ...delivery,
      ack: () => (refused++ < 3 ? Promise.reject(new Error('the stream is away')) : delivery.ack()),
    })
    return waits
      .addCallback('a', async () => 'b')
      .build({
        ...ports,
        eventStreamer: {
          ...eventStreamer,
          newReceiver: async (options) => {
            const receiver = await eventStreamer.newReceiver(options)
            if (!options.durable) return receiver
            return receiving(receiver, {
              receive: async (asked) => (await receiver.receive(asked)).map((each) => failing(each as Delivery<never>)),
            })
          },
        },
      })
  })
  await world.within(wf.trigger('x', one))
  const lag = async (): Promise<number> => (await world.ports('b').eventStreamer.receivers('waits'))[0]?.lag ?? 0
  await world.until(async () => refused > 3 && (await lag()) === 0)
})

test('no handler starts when the role went while the run was looked up', async () => {
  await using world = new World()
  const simple = workflow('simple', { ...thing, graph: { a: { step: ['b'] }, b: {} } })
  const slow = gate()
  let asked = false
  const started: string[] = []
  const build = (instance: string) => (ports: Parameters<Parameters<World['start']>[0]>[0]) =>
    simple
      .addStep('a', async () => {
        started.push(instance)
        return 'b'
      })
      .build(ports)
  await world.start(build('a'), 'a', {
    change: (store) => ({
      ...store,
      lookup: async (runId): Promise<RunRecord | undefined> => {
        asked = true
        const record = await store.lookup(runId)
        await slow.promise
        return record
      },
    }),
  })
  const runId = await simple.client(world.ports('c')).trigger('x', one)
  await world.until(() => asked)
  for (const slot of [0, 1]) world.database.roles.steal(`simple/${slot}`)
  const other = await world.start(build('b'), 'b')
  await world.within(other.awaitCompletion(runId))
  slow.resolve()
  await world.pass(5_000)
  expect(started).toEqual(['b'])
})

test("a join's handler does not start for an attempt that is over", async () => {
  await using world = new World()
  const child = workflow('child', { ...thing, graph: { c: { step: ['d'] }, d: {} } })
  const parent = workflow('parent', { ...thing, graph: { a: { step: ['j'] }, j: { join: ['b'] }, b: {} }, children: { j: child } })
  const slow = gate()
  let lists = 0
  const attempts: number[] = []
  const wf = await world.start(
    (ports) =>
      parent
        .addStep('a', async () => 'j')
        .addJoin(
          'j',
          async (run) => {
            attempts.push(run.attempt)
            return 'b'
          },
          { deadline: '1s', errBackOff: '100ms' },
        )
        .build(ports),
    'a',
    {
      change: (store) => ({
        ...store,
        list: async (...query) => {
          if (query[0].parent !== undefined && lists++ === 0) await slow.promise
          return await store.list(...query)
        },
      }),
    },
  )
  const runId = await world.within(wf.trigger('x', one))
  await world.until(() => lists > 0)
  await world.pass(1_050)
  slow.resolve()
  await world.within(wf.awaitCompletion(runId))
  expect(attempts).toEqual([2])
})

test('who has lost the role and looks at an old record refuses no callback of a later stay', async () => {
  await using world = new World()
  const loop = workflow('loop', { ...thing, graph: { a: { callback: ['a', 'b'] }, b: {} } })
  const slow = gate()
  let asked = false
  let calls = 0
  const build = (ports: Parameters<Parameters<World['start']>[0]>[0]) =>
    loop
      .addCallback(
        'a',
        async () => {
          calls++
          if (calls === 2) throw new Error('once')
          return calls === 1 ? 'a' : 'b'
        },
        { errBackOff: '20s' },
      )
      .build(ports)
  await world.start(build, 'a', {
    change: (store) => ({
      ...store,
      lookup: async (runId) => {
        const record = await store.lookup(runId)
        asked = true
        await slow.promise
        return record
      },
    }),
  })
  const client = loop.client(world.ports('c'))
  const runId = await client.trigger('x', one)
  await world.within(client.callback({ runId }, 'a'))
  await world.until(() => asked)
  for (const slot of [0, 1]) world.database.roles.steal(`loop/${slot}`)
  const other = await world.start(build, 'b')
  await world.until(() => calls === 1)
  await world.within(other.callback({ runId }, 'a'))
  await world.until(() => calls === 2)
  // The callback waits for its retry while the old holder hears of the run as it was before the first.
  slow.resolve()
  await world.within(other.awaitCompletion(runId))
  expect(calls).toBe(3)
})

test('a second callback of a stay is tried again like the first', async () => {
  await using world = new World()
  const waits = workflow('waits', { ...thing, graph: { a: { callback: ['b'] }, b: {} } })
  const attempts: number[] = []
  const wf = await world.start(
    (ports) =>
      waits
        .addCallback(
          'a',
          async (run) => {
            attempts.push(run.attempt)
            if (run.attempt === 1) throw new Error('once')
            return attempts.length > 2 ? 'b' : run.skip()
          },
          { errBackOff: () => after('4s') },
        )
        .build(ports),
    'a',
    { retryInPlace: '0ms' },
  )
  const runId = await world.within(wf.trigger('x', one))
  await world.within(wf.callback({ runId }, 'a'))
  await world.until(() => attempts.length === 2)
  await world.pass(1_000)
  await world.within(wf.callback({ runId }, 'a'))
  await world.pass(10_000)
  // Nobody had to look for a run whose event was lost.
  expect(attempts).toEqual([1, 2, 1, 2])
  expect((await wf.lookup(runId))?.status).toBe('b')
})

test('the next callback outlives a process that dies after a retry has skipped the one before', async () => {
  await using world = new World()
  const waits = workflow('waits', { ...thing, graph: { a: { callback: ['b'] }, b: {} } })
  const attempts: string[] = []
  const build = (instance: string) => (ports: Ports) =>
    waits
      .addCallback(
        'a',
        async (run) => {
          attempts.push(`${instance}${run.attempt}`)
          if (attempts.length === 1) throw new Error('once')
          return attempts.length > 2 ? 'b' : run.skip()
        },
        { errBackOff: () => after('4s') },
      )
      .build(ports)
  const wf = await world.start(build('a'), 'a', {
    retryInPlace: '0ms',
    change: (store) => ({
      ...store,
      commit: async (unit, options) => {
        const result = await store.commit(unit, options)
        if (unit.consume !== undefined) world.kill('a')
        return result
      },
    }),
  })
  const other = await world.start(build('b'), 'b')
  const runId = await world.within(wf.trigger('x', one))
  await world.within(other.callback({ runId }, 'a'))
  await world.until(() => attempts.length === 1)
  await world.pass(1_000)
  await world.within(other.callback({ runId }, 'a'))
  await world.pass(20_000)
  // Nobody had to look for a run that was forgotten.
  expect(attempts).toEqual(['a1', 'a2', 'b1'])
  expect((await other.lookup(runId))?.status).toBe('b')
})
