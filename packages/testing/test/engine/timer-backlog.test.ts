/** Many due timers at once: whose turn it is, and what a poll costs. */
import { after, unchecked, workflow } from '@workflow/core'
import { type RecordStore, StoreCorrupt, type TimeoutStore, type Timer } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { gate, type InstanceOptions, World } from './world.ts'

type Store = RecordStore<unknown[]>
const thing = { object: unchecked<{ readonly n?: number }>() }
const offers = workflow('offers', { ...thing, graph: { slow: { timeout: ['end'] }, quick: { timeout: ['end'] }, end: {} } })

function timers(change: (timers: TimeoutStore) => Partial<TimeoutStore>): InstanceOptions {
  return { change: (store: Store) => ({ ...store, timers: { ...store.timers, ...change(store.timers) } }) }
}

test('a backlog of many pages that stands still holds up no other process', async () => {
  await using world = new World()
  const wf = await world.start((ports) =>
    offers
      .addTimeout('slow', after('10s'), async () => await new Promise<'end'>(() => undefined), { deadline: false })
      .addTimeout('quick', after('20s'), async () => 'end')
      .build(ports),
  )
  for (let i = 0; i < 2_500; i++) await wf.trigger(`s${i}`, { initialValue: {}, startAt: 'slow' })
  const quick = await wf.trigger('quick', { initialValue: {}, startAt: 'quick' })
  await world.pass(25_000)
  expect(await wf.lookup(quick)).toMatchObject({ status: 'end' })
})

test('a backlog drains completely, each timer once', async () => {
  await using world = new World()
  const fired: string[] = []
  const first = offers
    .addTimeout('slow', after('10s'), async (run) => {
      fired.push(run.foreignId)
      return 'end'
    })
    .addTimeout('quick', after('20s'), async () => 'end')
  const one = first.build(world.ports('a'))
  await one.run()
  for (let i = 0; i < 1_500; i++) await one.trigger(`s${i}`, { initialValue: {}, startAt: 'slow' })
  await world.turns()
  await world.within(one.stop())
  await world.pass(20_000)
  await world.start((ports) => first.build(ports), 'b')
  await world.pass(10_000)
  expect(new Set(fired).size).toBe(1_500)
  expect(fired).toHaveLength(1_500)
})

test('timers that nobody can settle do not fill the first page for ever, and are looked at only now and then', async () => {
  await using world = new World()
  let looks = 0
  const wf = await world.start(
    (ports) =>
      offers
        .addTimeout('slow', after('72h'), async () => 'end', { name: 'slow' })
        .addTimeout('quick', after('20s'), async () => 'end', { name: 'quick' })
        .build(ports),
    'a',
    {
      change: (store: Store) => ({
        ...store,
        lookup: async (runId) => {
          if (!runId.startsWith('broken')) return await store.lookup(runId)
          looks += 1
          throw new StoreCorrupt('nonsense')
        },
      }),
    },
  )
  const count = 1_300
  const broken = (i: number): { put: Timer } => ({
    put: {
      key: { kind: 'timeout', owner: `broken ${i}`, epoch: 1, name: 'slow' },
      workflowName: 'offers',
      slot: i % 2,
      at: new Date(world.clock.now() + 5_000),
      held: false,
      attempt: 0,
    },
  })
  await world.ports('probe').timeoutStore.apply(Array.from({ length: count }, (_, i) => broken(i)))
  const quick = await wf.trigger('quick', { initialValue: {}, startAt: 'quick' })
  await world.pass(25_000)
  expect(await wf.lookup(quick)).toMatchObject({ status: 'end' })
  expect(looks).toBeGreaterThanOrEqual(count)
  expect(looks).toBeLessThan(count * 6)
})

test('a timer in hand does not make the next one late', async () => {
  await using world = new World({ calm: true })
  let at = 0
  const wf = await world.start((ports) =>
    offers
      .addTimeout('slow', after('10s'), async () => await new Promise<'end'>(() => undefined), { deadline: false })
      .addTimeout('quick', after('20s'), async () => {
        at = world.clock.now()
        return 'end'
      })
      .build(ports),
  )
  const began = world.clock.now()
  await wf.trigger('slow', { initialValue: {}, startAt: 'slow' })
  await wf.trigger('quick', { initialValue: {}, startAt: 'quick' })
  await world.pass(60_000)
  expect(at - began).toBe(20_000)
})

test('a timer that is dealt with while a page with it is on its way fires once', async () => {
  await using world = new World()
  const handler = gate()
  const answer = gate()
  let fired = 0
  let late = false
  const wf = await world.start(
    (ports) =>
      offers
        .addTimeout('slow', after('10s'), async (run) => {
          fired += 1
          if (fired === 1) await handler.promise
          return run.skip()
        })
        .addTimeout('quick', after('20s'), async () => 'end')
        .build(ports),
    'a',
    timers((store) => ({
      due: async (query, page) => {
        const found = await store.due(query, page)
        if (fired === 1 && !late && found.items.some(({ key }) => key.name === 'timeout')) {
          late = true
          await answer.promise
        }
        return found
      },
    })),
  )
  await wf.trigger('x', { initialValue: {}, startAt: 'slow' })
  await world.pass(12_000)
  expect({ fired, late }).toEqual({ fired: 1, late: true })
  handler.resolve()
  await world.turns()
  answer.resolve()
  await world.pass(30_000)
  expect(fired).toBe(1)
})

test('where every writer is heard, nobody asks between two expiries', async () => {
  await using world = new World()
  let asked = 0
  const wf = await world.start(
    (ports) =>
      offers
        .addTimeout('slow', after('72h'), async () => 'end')
        .addTimeout('quick', after('1h'), async () => 'end')
        .build(ports),
    'a',
    timers((store) => ({
      nextExpiry: (query) => {
        asked += 1
        return store.nextExpiry(query)
      },
      due: (query, page) => {
        asked += 1
        return store.due(query, page)
      },
    })),
  )
  const quick = await wf.trigger('x', { initialValue: {}, startAt: 'quick' })
  await world.pass(10_000)
  asked = 0
  await world.pass(600_000)
  expect(asked).toBe(0)
  await world.pass(3_000_000)
  expect(await wf.lookup(quick)).toMatchObject({ status: 'end' })
  expect(asked).toBeLessThan(8)
})
