/** How much the compatibility check reads, and what it says of what it has not read. */
import { getEventListeners } from 'node:events'
import { after, isWorkflowError, unchecked, workflow } from '@workflow/core'
import type { RecordStore, RunRecord } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { World } from './world.ts'

const object = unchecked<object>()
const graph = { made: { callback: ['sent'] }, sent: { callback: ['done'] }, done: {} } as const
const old = workflow('parcels', { object, graph: { ...graph, made: { callback: ['sent'], timeout: ['sent'] } } })
const oldDefinition = old
  .addCallback('made', async () => 'sent')
  .addTimeout('made', after('10d'), async () => 'sent')
  .addCallback('sent', async () => 'done')
const now = workflow('parcels', { object, graph })

/** As many runs at `made` with a timer that the new code does not have. */
async function timed(world: World, count: number): Promise<readonly string[]> {
  const wf = await world.start((ports) => oldDefinition.build(ports))
  const runIds: string[] = []
  for (let n = 0; n < count; n++) runIds.push(await wf.trigger(`parcel ${n}`, { initialValue: {} }))
  const timers = async (): Promise<number> =>
    (await world.ports().timeoutStore.list({ workflowName: 'parcels', status: 'open' }, { limit: 1_000 })).items.length
  await world.until(async () => (await timers()) === count, 'a timer for each run')
  await wf.stop()
  return runIds
}

/** Counts what a store is asked. */
function counting(asked: Map<string, number>) {
  return (store: RecordStore<unknown[]>): RecordStore<unknown[]> => {
    const note = (name: string): void => void asked.set(name, (asked.get(name) ?? 0) + 1)
    return {
      ...store,
      list: (query, page) => (note('list'), asked.set('page', Math.max(asked.get('page') ?? 0, page.limit)), store.list(query, page)),
      count: (query, by) => (note('count'), store.count(query, by)),
      items: (runId, stream, page) => (note('items'), store.items(runId, stream, page)),
    }
  }
}

test('of many runs the oldest and the newest are looked into, and what is found is a lower bound', async () => {
  await using world = new World()
  const runIds = await timed(world, 40)
  const answer = await now.client(world.ports()).compatibility({ inspect: 10, samples: 1_000 })
  expect(answer).toMatchObject({ ok: false, unfinished: 40, inspected: 10, complete: false })
  expect(answer.stranded).toMatchObject([{ status: 'made', reason: 'timeout-gone', name: 'timeout', count: 10, atLeast: true }])
  expect(answer.stranded[0]?.runIds.toSorted()).toEqual([...runIds.slice(0, 5), ...runIds.slice(-5)].toSorted())
})

test('all of them are looked into on demand, page by page', async () => {
  await using world = new World()
  await timed(world, 230)
  const asked = new Map<string, number>()
  const answer = await now.client(world.ports('client', { change: counting(asked) })).compatibility({ inspect: 'all', samples: 3 })
  expect(answer).toMatchObject({ unfinished: 230, inspected: 230, complete: true })
  expect(answer.stranded).toMatchObject([{ count: 230, atLeast: false, runIds: { length: 3 } }])
  expect(asked.get('page')).toBeLessThanOrEqual(100)
  expect(asked.get('count')).toBe(1)
})

test('without looking into runs the statuses are compared all the same', async () => {
  await using world = new World()
  await timed(world, 3)
  const asked = new Map<string, number>()
  const gone = workflow('parcels', { object, graph: { boxed: { callback: ['done'] }, done: {} } })
  const answer = await gone.client(world.ports('client', { change: counting(asked) })).compatibility({ inspect: 0, samples: 0 })
  expect(answer.stranded).toMatchObject([{ status: 'made', reason: 'status-gone', count: 3, atLeast: false, runIds: [] }])
  expect(Object.fromEntries(asked)).toEqual({ count: 1 })
  expect(await now.client(world.ports()).compatibility({ inspect: 0 })).toMatchObject({ ok: true, inspected: 0, complete: false })
})

test('a run that moves while it is looked into is not reported for where it was', async () => {
  await using world = new World()
  const [stays, moves] = await timed(world, 2)
  const change = (store: RecordStore<unknown[]>): RecordStore<unknown[]> => ({
    ...store,
    // A replica that is behind: it lists a version that the primary has left.
    list: async (query, page) => {
      const { items, ...rest } = await store.list(query, page)
      return { ...rest, items: items.map((record): RunRecord => (record.runId === moves ? { ...record, version: 0 } : record)) }
    },
  })
  const answer = await now.client(world.ports('client', { change })).compatibility()
  expect(answer.stranded).toMatchObject([{ count: 1, runIds: [stays] }])
})

test('a run that a listing brings from both ends is looked into once', async () => {
  await using world = new World()
  const runIds = await timed(world, 3)
  const change = (store: RecordStore<unknown[]>): RecordStore<unknown[]> => ({
    ...store,
    // Counted before most of them left.
    count: async () => new Map([['made', 50]]),
  })
  const answer = await now.client(world.ports('client', { change })).compatibility({ inspect: 10 })
  expect(answer).toMatchObject({ inspected: 3, complete: false })
  expect(answer.stranded).toMatchObject([{ count: 3, runIds }])
})

test('an inbox of many left-over callbacks is read to the one that counts', async () => {
  await using world = new World()
  const client = now.client(world.ports())
  const runId = await client.trigger('a', { initialValue: {} })
  for (let n = 0; n < 130; n++) await client.callback({ runId }, 'made', undefined, { key: `left ${n}` })
  await client.callback({ runId }, 'made', undefined, { key: 'queued', queue: true })
  const wf = await world.start((ports) =>
    now
      .addCallback('made', async () => 'sent')
      .addCallback('sent', async () => 'done')
      .build(ports),
  )
  await world.within(wf.await(runId, 'sent'))
  await wf.stop()
  const deaf = workflow('parcels', { object, graph: { made: { step: ['sent'] }, sent: { callback: ['done'] }, done: {} } })
  const asked = new Map<string, number>()
  const answer = await deaf.client(world.ports('client', { change: counting(asked) })).compatibility()
  expect(answer.stranded).toMatchObject([{ status: 'sent', reason: 'callback-gone', name: 'made', count: 1 }])
  expect(asked.get('items')).toBeGreaterThan(2)
})

test('a callback that cannot be decoded is reported, and a codec that is away is an error', async () => {
  await using world = new World()
  const client = now.client(world.ports())
  const runId = await client.trigger('a', { initialValue: {} })
  await client.callback({ runId }, 'made')
  const deaf = workflow('parcels', { object, graph: { made: { step: ['sent'] }, sent: { callback: ['done'] }, done: {} } })
  const change = (store: RecordStore<unknown[]>): RecordStore<unknown[]> => ({
    ...store,
    items: async (...asked) => {
      const page = await store.items(...asked)
      return { ...page, items: page.items.map((item) => ({ ...item, body: { ...item.body, codec: 'of somebody else' } })) }
    },
  })
  const answer = await deaf.client(world.ports('client', { change })).compatibility()
  expect(answer.stranded).toMatchObject([{ status: 'made', reason: 'callback-gone', name: 'made', count: 1 }])
  const codec = {
    encode: () => Promise.reject(new Error('no keys')),
    decode: () => Promise.reject(new Error('no keys')),
  }
  await expect(deaf.client(world.ports('client', { codec })).compatibility()).rejects.toSatisfy((error) =>
    isWorkflowError(error, 'StoreUnavailable'),
  )
})

test('a store that does not answer is given up on after storeTimeout', async () => {
  await using world = new World()
  const never = new Promise<never>(() => undefined)
  const client = now.client(world.ports('client', { storeTimeout: '2s', change: (store) => ({ ...store, count: () => never }) }))
  await expect(world.within(client.compatibility())).rejects.toSatisfy((error) => isWorkflowError(error, 'StoreUnavailable'))
})

test('a call that is aborted while the store does not answer ends at once, and leaves no listeners behind', async () => {
  await using world = new World()
  const gaveUp = new AbortController()
  const { signal } = gaveUp
  const reason = new Error('enough')
  const silent = (): Promise<never> => {
    setImmediate(() => gaveUp.abort(reason))
    return new Promise(() => undefined)
  }
  const ports = world.ports('client')
  await now.client(ports).compatibility({ signal })
  expect(getEventListeners(signal, 'abort')).toEqual([])
  const client = now.client(world.ports('client', { change: (store) => ({ ...store, count: silent }) }))
  // No time passes.
  await expect(client.compatibility({ signal })).rejects.toBe(reason)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
