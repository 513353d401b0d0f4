/** What the simulation has found about back-offs and counts of attempts, as small as it gets. */
import { after, unchecked, workflow } from '@workflow/core'
import type { RecordStore, RoleScheduler } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { gate, World } from '../engine/world.ts'

const thing = { object: unchecked<{ n: number }>() }
const one = { initialValue: { n: 1 } }

test.each([0, 7_000])("an instance's own commit answered %i ms late skips no back-off and forgets no attempt", async (lateMs) => {
  await using world = new World()
  const simple = workflow('simple', { ...thing, graph: { a: { step: ['b'] }, b: {} } })
  const late = gate()
  const attempts: number[] = []
  const wf = await world.start(
    (ports) =>
      simple
        .addStep(
          'a',
          async (run) => {
            attempts.push(run.attempt)
            if (attempts.length === 1) throw new Error('once')
            return 'b'
          },
          { errBackOff: '10s' },
        )
        .build(ports),
    'a',
    {
      retryInPlace: '0ms',
      change: (store) => ({
        ...store,
        commit: async (unit, options) => {
          const result = await store.commit(unit, options)
          if (unit.id.startsWith('trigger/')) await late.promise
          return result
        },
      }),
    },
  )
  // What is sent at the very moment at which the role comes is not worked from in any case.
  await world.pass(10)
  const triggered = wf.trigger('x', one)
  await world.until(() => attempts.length === 1)
  await world.turns()
  await world.pass(lateMs)
  late.resolve()
  await world.within(triggered)
  await world.pass(9_000 - lateMs)
  expect(attempts).toEqual([1])
  await world.within(wf.awaitCompletion(await triggered))
  expect(attempts).toEqual([1, 2])
})

test("a step's retry does not cut short the back-off of a callback", async () => {
  await using world = new World()
  const both = workflow('both', { ...thing, graph: { a: { step: ['b'], callback: ['b'] }, b: {} } })
  const options = { errBackOff: () => after('10s') }
  const calls: number[] = []
  const wf = await world.start(
    (ports) =>
      both
        .addStep('a', () => Promise.reject(new Error('never')), options)
        .addCallback(
          'a',
          async () => {
            calls.push(world.clock.now())
            if (calls.length === 1) throw new Error('once')
            return 'b'
          },
          options,
        )
        .build(ports),
    'a',
    { retryInPlace: '0ms' },
  )
  const runId = await world.within(wf.trigger('x', one))
  await world.pass(4_000)
  await world.within(wf.callback({ runId }, 'a'))
  await world.within(wf.awaitCompletion(runId))
  expect(calls).toHaveLength(2)
  expect((calls[1] ?? 0) - (calls[0] ?? 0)).toBeGreaterThanOrEqual(10_000)
})

test('neither another holder nor a callback that is skipped cuts short the back-off of a timeout', async () => {
  await using world = new World()
  const waits = workflow('waits', { ...thing, graph: { a: { callback: ['b'], timeout: ['b'] }, b: {} } })
  const fired: number[] = []
  const build = (ports: Parameters<Parameters<World['start']>[0]>[0]) =>
    waits
      .addCallback('a', async (run) => run.skip())
      .addTimeout(
        'a',
        after('1s'),
        async () => {
          fired.push(world.clock.now())
          if (fired.length < 3) throw new Error('twice')
          return 'b'
        },
        // In place: the timer stays as it is, due, while its lane waits.
        { errBackOff: () => after('4s') },
      )
      .build(ports)
  const first = await world.start(build, 'a', { retryInPlace: '5s' })
  const runId = await world.within(first.trigger('x', one))
  await world.until(() => fired.length === 1)
  await world.pass(1_000)
  await world.within(first.callback({ runId }, 'a'))
  await world.until(() => fired.length === 2)
  const other = await world.start(build, 'b', { retryInPlace: '5s' })
  for (const slot of [0, 1]) world.database.roles.steal(`waits/${slot}`)
  await world.within(other.awaitCompletion(runId))
  const [begun = 0, two = 0, three = 0] = fired
  expect(two - begun).toBeGreaterThanOrEqual(4_000)
  expect(three - two).toBeGreaterThanOrEqual(4_000)
})

test('who takes a slot does not work from what it had committed before: others may have failed since', async () => {
  await using world = new World()
  const simple = workflow('simple', { ...thing, graph: { a: { step: ['b'] }, b: {} } })
  const started: { readonly instance: string; readonly runId: string; readonly attempt: number; readonly at: number }[] = []
  const build = (instance: string) => (ports: Parameters<Parameters<World['start']>[0]>[0]) =>
    simple
      .addStep(
        'a',
        async ({ runId, attempt }) => {
          started.push({ instance, runId, attempt, at: world.clock.now() })
          if (attempt === 1) throw new Error('once')
          return 'b'
        },
        { errBackOff: () => after('4s') },
      )
      .build(ports)
  await world.start(build('a'), 'a')
  const other = await world.start(build('b'), 'b')
  await world.pass(10_000)
  // Of several runs, one that the other instance handles.
  const runIds = await world.within(Promise.all(['x', 'y', 'z', 'u', 'v', 'w'].map((foreignId) => other.trigger(foreignId, one))))
  const { runId } = await world.until(() => started.find(({ instance }) => instance === 'a'))
  await world.turns()
  for (const slot of [0, 1]) world.database.roles.steal(`simple/${slot}`)
  await world.within(Promise.all(runIds.map((each) => other.awaitCompletion(each))))
  const [first, second] = started.filter((each) => each.runId === runId)
  expect([first?.attempt, second?.attempt]).toEqual([1, 2])
  expect(second?.instance).toBe('b')
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(4_000)
})

test('nor from what it had committed before where the answer comes after the slot', async () => {
  await using world = new World()
  const simple = workflow('simple', { ...thing, graph: { a: { step: ['b'] }, b: {} } })
  const started: { readonly instance: string; readonly attempt: number; readonly at: number }[] = []
  const answered = gate()
  const build = (instance: string) => (ports: Parameters<Parameters<World['start']>[0]>[0]) => {
    const recordStore: RecordStore = {
      ...ports.recordStore,
      commit: async (unit, options) => {
        const result = await ports.recordStore.commit(unit, options)
        if (unit.id.startsWith('trigger/')) await answered.promise
        return result
      },
    }
    const roleScheduler: RoleScheduler = {
      ...ports.roleScheduler,
      awaitRole: async (role, options) => {
        const lease = await ports.roleScheduler.awaitRole(role, options)
        // The answer comes as soon as the slot is there, before anything else is known of the run.
        if (instance === 'b') answered.resolve()
        return lease
      },
    }
    return simple
      .addStep(
        'a',
        async ({ attempt }) => {
          started.push({ instance, attempt, at: world.clock.now() })
          if (attempt === 1) throw new Error('once')
          return 'b'
        },
        { errBackOff: () => after('4s') },
      )
      .build({ ...ports, recordStore, roleScheduler, eventStreamer: { ...ports.eventStreamer, source: recordStore } })
  }
  await world.start(build('a'), 'a', { slots: 1 })
  const other = await world.start(build('b'), 'b', { slots: 1 })
  await world.pass(1_000)
  const holder = world.database.roles.holder('simple/0')?.member.instance
  expect(holder).toBe('a')
  const triggered = other.trigger('x', one)
  await world.until(() => started.length === 1)
  await world.turns()
  world.database.roles.steal('simple/0')
  await world.within(other.awaitCompletion(await world.within(triggered)))
  expect(started.map(({ attempt }) => attempt)).toEqual([1, 2])
  expect((started[1]?.at ?? 0) - (started[0]?.at ?? 0)).toBeGreaterThanOrEqual(4_000)
})
