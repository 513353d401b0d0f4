/** Pause, resume, cancel, retry and data deletion: legal moves only, never over progress that was not seen. */
import { isWorkflowError, unchecked, workflow } from '@workflow/core'
import type { Payload } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { gate, type Ports, World } from './world.ts'

interface Case {
  readonly name: string
  secret?: string
}

const cases = workflow('cases', {
  object: unchecked<Case>(),
  graph: { open: { callback: ['open', 'closed'] }, closed: {} },
  payloads: { open: unchecked<{ secret: string; close: boolean }>() },
})
const definition = cases.addCallback('open', async (run, { secret, close }) => {
  run.object.secret = secret
  return close ? 'closed' : 'open'
})
const ann = { reason: 'because', actor: 'ann' }

type Client = ReturnType<typeof cases.client>

const moves = ['pause', 'resume', 'cancel', 'deleteData'] as const
/** How a run gets into each state, and which moves are legal there; moves into the state itself change nothing. */
const states: readonly (readonly [string, readonly string[], (client: Client, runId: string, world: World) => Promise<unknown>])[] = [
  ['Initiated', ['pause', 'cancel'], async () => undefined],
  ['Paused', ['pause', 'resume', 'cancel'], (client, runId) => client.pause(runId, ann)],
  [
    'Running',
    ['pause', 'cancel'],
    async (client, runId) => {
      await client.pause(runId, ann)
      await client.resume(runId, ann)
    },
  ],
  ['Cancelled', ['cancel', 'deleteData'], (client, runId) => client.cancel(runId, ann)],
  [
    'RequestedDataDeleted',
    ['deleteData'],
    async (client, runId) => {
      await client.cancel(runId, ann)
      await client.deleteData(runId, ann)
    },
  ],
]

test.each(states)('a run that is %s can be moved by %j alone; the rest is IllegalMove and changes nothing', async (state, legal, reach) => {
  await using world = new World()
  const client = cases.client(world.ports('client'))
  for (const move of moves) {
    const runId = await client.trigger(`${state} ${move}`, { initialValue: { name: 'x' } })
    await reach(client, runId, world)
    const before = await client.lookup(runId)
    expect(before?.state).toBe(state)
    const error = await client[move](runId, ann).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (legal.includes(move)) expect(error, move).toBeUndefined()
    else {
      expect(isWorkflowError(error, 'IllegalMove'), move).toBe(true)
      expect((error as Error).message).toContain(`it is ${state}, and must be`)
      expect(await client.lookup(runId)).toEqual(before)
    }
  }
})

test('who and why are asked for, and kept', async () => {
  await using world = new World()
  const client = cases.client(world.ports('client'))
  const runId = await client.trigger('c', { initialValue: { name: 'x' } })
  for (const audit of [undefined, {}, { reason: 'x' }, { actor: 'x' }, { reason: 1, actor: 'x' }, { reason: 'x', actor: 'a\0b' }]) {
    await expect(client.pause(runId, audit as never)).rejects.toMatchObject({ code: 'InvalidArgument' })
  }
  await expect(client.pause('', ann)).rejects.toMatchObject({ code: 'InvalidArgument' })
  await expect(client.pause('nobody', ann)).rejects.toMatchObject({ code: 'RunNotFound' })
  await client.pause(runId, { reason: 'fraud?', actor: 'ann' })
  await client.resume(runId, { reason: 'no', actor: 'bob' })
  const { items } = await client.history(runId)
  expect(items.map(({ by, actor, reason, states: path }) => [by, actor, reason, path.join('>')])).toEqual([
    ['trigger', undefined, undefined, 'Initiated'],
    ['person', 'ann', 'fraud?', 'Initiated>Paused'],
    ['person', 'bob', 'no', 'Paused>Running'],
  ])
})

test('of racing controllers each move happens once, and the versions have no gap', async () => {
  await using world = new World()
  const clients = ['x', 'y', 'z'].map((name) => cases.client(world.ports(name)))
  const runId = (await clients[0]?.trigger('c', { initialValue: { name: 'x' } })) ?? ''
  await Promise.allSettled(
    clients.flatMap((client) => [client.pause(runId, ann), client.resume(runId, ann), client.cancel(runId, ann), client.pause(runId, ann)]),
  )
  const { items } = (await clients[0]?.history(runId)) ?? { items: [] }
  expect(items.map(({ version }) => version)).toEqual(items.map((_, i) => i + 1))
  for (const [i, entry] of items.entries()) if (i > 0) expect(entry.states[0]).toBe(items[i - 1]?.states.at(-1))
})

test('a controller that read an old version looks again and does not overwrite the step that came between', async () => {
  const work = workflow('work', { object: unchecked<{ n: number }>(), graph: { a: { step: ['b'] }, b: { callback: ['c'] }, c: {} } })
  await using world = new World()
  const begin = gate()
  const wf = await world.start((ports) =>
    work
      .addStep('a', async (run) => {
        await begin.promise
        run.object.n += 1
        return 'b'
      })
      .addCallback('b', async () => 'c')
      .build(ports),
  )
  let read = 0
  const held = gate()
  const go = gate()
  const client = work.client(
    world.ports('client', {
      change: (store) => ({
        ...store,
        lookup: async (id) => {
          const found = await store.lookup(id)
          if (++read === 1) {
            held.resolve()
            await go.promise
          }
          return found
        },
      }),
    }),
  )
  const runId = await wf.trigger('w', { initialValue: { n: 0 } })
  const pausing = client.pause(runId, ann)
  await held.promise
  begin.resolve()
  await world.within(wf.await(runId, 'b'))
  go.resolve()
  await world.within(pausing)
  expect(read).toBe(2)
  expect(await wf.lookup(runId)).toMatchObject({ state: 'Paused', status: 'b', version: 3, object: { n: 1 } })
})

test('a handler that was at work when its run was paused or cancelled commits nothing; after a resume it runs again, under the same key', async () => {
  const work = workflow('work', { object: unchecked<{ n: number }>(), graph: { a: { step: ['b'] }, b: {} } })
  await using world = new World()
  const keys: string[] = []
  let go = gate()
  const wf = await world.start((ports) =>
    work
      .addStep(
        'a',
        async (run) => {
          keys.push(run.idempotencyKey)
          run.object.n += 1
          await go.promise
          return 'b'
        },
        { parallelCount: 2 },
      )
      .build(ports),
  )
  const paused = await wf.trigger('p', { initialValue: { n: 0 } })
  await world.until(() => keys.length === 1)
  const cancelled = await wf.trigger('c', { initialValue: { n: 0 } })
  await world.until(() => keys.length === 2)
  await wf.pause(paused, ann)
  await wf.cancel(cancelled, ann)
  go.resolve()
  await world.pass(5_000)
  expect(await wf.lookup(paused)).toMatchObject({ state: 'Paused', object: { n: 0 }, version: 2 })
  expect(await wf.lookup(cancelled)).toMatchObject({ state: 'Cancelled', object: { n: 0 }, version: 2 })
  go = gate()
  go.resolve()
  await wf.resume(paused, ann)
  expect(await world.within(wf.awaitCompletion(paused))).toMatchObject({ object: { n: 1 } })
  expect(keys).toEqual([`${paused}/1/0`, `${cancelled}/1/0`, `${paused}/1/0`])
})

test('retry starts a finished run anew with what it ended with, or with what is given', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const first = await wf.trigger('c', { initialValue: { name: 'x' }, metadata: { a: '1' } })
  await expect(wf.retry(first)).rejects.toMatchObject({ code: 'IllegalMove' })
  await wf.callback({ runId: first }, 'open', { secret: 's', close: true })
  await world.within(wf.awaitCompletion(first))
  const second = await wf.retry(first)
  expect(await wf.lookup(second)).toMatchObject({
    foreignId: 'c',
    status: 'open',
    version: 1,
    metadata: { a: '1' },
    object: { name: 'x', secret: 's' },
  })
  await expect(wf.retry(first)).rejects.toMatchObject({ code: 'WorkflowInProgress', details: { runId: second } })
  await wf.cancel(second, ann)
  const third = await wf.retry(second, { initialValue: { name: 'y' }, metadata: {} })
  expect(await wf.lookup(third)).toMatchObject({ metadata: {}, object: { name: 'y' } })
  await wf.cancel(third, ann)
  await wf.deleteData(third, ann)
  await expect(wf.retry(third)).rejects.toMatchObject({ code: 'IllegalMove' })
})

test('a retry with a key happens once, whoever asks again and wherever its run has got to', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const first = await wf.trigger('c', { initialValue: { name: 'x' } })
  await wf.cancel(first, ann)
  const again = { audit: { ...ann, ifVersion: 2 }, key: 'the button of today' }
  const [one, other] = await Promise.all([wf.retry(first, again), wf.retry(first, again)])
  expect(other).toBe(one)
  await wf.cancel(one, ann)
  // Its answer was lost, and it has ended since: without the key this would be one more run.
  const client = cases.client(world.ports('another process'))
  expect(await client.retry(first, again)).toBe(one)
  await wf.deleteData(first, ann)
  expect(await client.retry(first, again)).toBe(one)
  expect(await wf.retry(one, again)).not.toBe(one)
  expect((await wf.list({ foreignId: 'c' })).items).toHaveLength(3)
  for (const key of ['', 'x'.repeat(256), 'a\0', 5 as never])
    await expect(wf.retry(one, { key })).rejects.toMatchObject({ code: 'InvalidArgument' })
})

/** Every payload that is stored of a run. */
async function payloads(ports: Ports, runId: string): Promise<string> {
  const texts: string[] = []
  await ports.recordStore.rewrite(runId, async (payload: Payload) => {
    texts.push(new TextDecoder().decode(payload.bytes))
    return payload
  })
  return texts.join('\n')
}

test('deleteData takes the object out of the record, the history, the inbox, the errors and the reasons', async () => {
  await using world = new World()
  const wf = await world.start((ports) =>
    cases
      .addCallback(
        'open',
        async (run, { secret, close }) => {
          run.object.secret = secret
          if (secret === 'fail') throw new Error('hunter2 is no password')
          return close ? 'closed' : 'open'
        },
        { errBackOff: '1h' },
      )
      .build(ports),
  )
  const runId = await wf.trigger('c', { initialValue: { name: 'hunter2' } })
  await wf.callback({ runId }, 'open', { secret: 'hunter2', close: false }, { wait: false })
  await world.until(async () => (await wf.lookup(runId))?.version === 2)
  await wf.callback({ runId }, 'open', { secret: 'fail', close: false })
  await wf.callback({ runId }, 'open', { secret: 'hunter2', close: false })
  await world.turns()
  await wf.cancel(runId, { reason: 'hunter2 asked', actor: 'ann' })
  expect(await payloads(world.ports('probe'), runId)).toContain('hunter2')
  await wf.deleteData(runId, { reason: 'hunter2 asked again', actor: 'ann' })
  await world.until(async () => (await wf.lookup(runId))?.state === 'DataDeleted')
  expect(await payloads(world.ports('probe'), runId)).not.toContain('hunter2')
  expect(await wf.lookup(runId)).not.toHaveProperty('object')
  const { items } = await wf.history(runId, { objects: true })
  expect(items.some((entry) => 'object' in entry)).toBe(false)
  expect(items.at(-1)).toMatchObject({ states: ['RequestedDataDeleted', 'DataDeleted'], by: 'engine' })
  expect(JSON.stringify(items)).not.toContain('hunter2')
})

test('customDelete keeps what it returns, everywhere, and is run again after a crash', async () => {
  await using world = new World()
  const seen: unknown[] = []
  let fail = true
  const worker = (ports: Ports) =>
    definition
      .customDelete(async (object) => {
        seen.push(object)
        if (fail) throw new Error('scrubber is down')
        return { name: object.name }
      })
      .build(ports)
  const a = await world.start(worker)
  const runId = await a.trigger('c', { initialValue: { name: 'n', secret: 'hunter2' } })
  await a.cancel(runId, ann)
  await a.deleteData(runId, ann)
  const other = await a.trigger('neighbour', { initialValue: { name: 'm' } })
  await a.callback({ runId: other }, 'open', { secret: 's', close: true })
  await world.within(a.awaitCompletion(other, { timeout: '1s' }))
  expect(await a.lookup(runId)).toMatchObject({ state: 'RequestedDataDeleted' })
  world.kill('a')
  fail = false
  const b = await world.start(worker, 'b')
  await world.until(async () => (await b.lookup(runId))?.state === 'DataDeleted')
  const kept = await payloads(world.ports('probe'), runId)
  expect(kept).not.toContain('hunter2')
  expect(kept).toContain('{"name":"n"}')
  expect(seen.length).toBeGreaterThan(1)
})

test('lists and pages: by state, status and foreign id, and limits that make no sense are refused', async () => {
  await using world = new World()
  const client = cases.client(world.ports('client'))
  const ids = []
  for (let i = 0; i < 5; i++) ids.push(await client.trigger(`c${i}`, { initialValue: { name: String(i) } }))
  await client.pause(ids[2] ?? '', ann)
  expect((await client.list({ state: 'Paused' })).items.map(({ runId }) => runId)).toEqual([ids[2]])
  expect((await client.list({ foreignId: 'c3' })).items.map(({ runId }) => runId)).toEqual([ids[3]])
  expect((await client.list({ status: 'closed' })).items).toEqual([])
  const paged: string[] = []
  let cursor: string | undefined
  do {
    const page = await client.list({ order: 'oldest', limit: 2, ...(cursor === undefined ? {} : { cursor }) })
    paged.push(...page.items.map(({ runId }) => runId))
    cursor = page.cursor
  } while (cursor !== undefined)
  expect(paged).toEqual(ids)
  for (const bad of [{ limit: 0 }, { limit: 1.5 }, { limit: 1_001 }, { state: 'Sleeping' }, { status: 'nowhere' }, { cursor: 'made up' }]) {
    await expect(client.list(bad as never)).rejects.toMatchObject({ code: 'InvalidArgument' })
  }
  await expect(client.history('nobody')).rejects.toMatchObject({ code: 'RunNotFound' })
})
