/** What people look at: changes as they happen, counts, filters, timers and lags, from a client without handlers. */
import { after, isWorkflowError, type RunChange, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { receiving, World } from './world.ts'

const parcels = workflow('parcels', {
  object: unchecked<object>(),
  graph: { packed: { step: ['sent'] }, sent: { callback: ['there'], timeout: ['lost'] }, there: {}, lost: {} },
})
const definition = parcels
  .addStep('packed', async () => 'sent')
  .addCallback('sent', async () => 'there')
  .addTimeout('sent', after('1h'), async () => 'lost')
const ann = { reason: 'because', actor: 'ann' }

test('changes are told as they are committed, each once, by whatever instance, until the signal', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const client = parcels.client(world.ports('client'))
  const stop = new AbortController()
  const told: RunChange[] = []
  const changes = await client.changes({ signal: stop.signal })
  const watching = (async () => {
    for await (const change of changes) told.push(change)
  })()
  const runId = await wf.trigger('p', { initialValue: {} })
  await world.within(wf.await(runId, 'sent'))
  await client.pause(runId, ann)
  await client.resume(runId, ann)
  await client.callback({ runId }, 'sent')
  await world.until(() => told.length === 5)
  expect(told.map(({ version, from, status, state }) => [version, from, status, state])).toEqual([
    [1, undefined, 'packed', 'Initiated'],
    [2, 'packed', 'sent', 'Running'],
    [3, undefined, 'sent', 'Paused'],
    [4, undefined, 'sent', 'Running'],
    [5, 'sent', 'there', 'Completed'],
  ])
  expect(told[0]).toMatchObject({ runId, foreignId: 'p', at: expect.any(Date) })
  stop.abort()
  await world.within(watching)
  await expect(client.changes({ signal: stop.signal })).rejects.toThrow('aborted')
  await expect(client.changes({} as never)).rejects.toMatchObject({ code: 'InvalidArgument' })
  await client.close()
  await expect(client.changes({ signal: new AbortController().signal })).rejects.toMatchObject({ code: 'Stopped' })
})

test('closing the client ends the watching without an error; a stream that fails is read again', async () => {
  await using world = new World()
  const ports = world.ports('client')
  let failed = 0
  let open = 0
  const client = parcels.client({
    ...ports,
    eventStreamer: {
      ...ports.eventStreamer,
      newReceiver: async (options) => {
        const receiver = await ports.eventStreamer.newReceiver(options)
        open += 1
        return {
          receive: (asked) => (failed++ === 0 ? Promise.reject(new Error('cut')) : receiver.receive(asked)),
          assign: (claims) => receiver.assign(claims),
          [Symbol.asyncDispose]: async () => {
            open -= 1
            await receiver[Symbol.asyncDispose]()
          },
        }
      },
    },
  })
  const unread = new AbortController()
  await client.changes({ signal: unread.signal })
  unread.abort()
  failed = 1
  const left = await client.changes({ signal: new AbortController().signal })
  await client.trigger('first', { initialValue: {} })
  for await (const { foreignId } of left) {
    expect(foreignId).toBe('first')
    break
  }
  expect(open).toBe(0)
  failed = 0
  const told: string[] = []
  const changes = await client.changes({ signal: new AbortController().signal })
  const watching = (async () => {
    for await (const { foreignId } of changes) told.push(foreignId)
  })()
  await world.until(() => failed > 1)
  expect(world.logged('warn', 'what happens meanwhile may be missed')).toHaveLength(1)
  await client.trigger('p', { initialValue: {} })
  await world.until(() => told.length === 1)
  await client.close()
  await world.within(watching)
  expect(told).toEqual(['p'])
})

test('an event that cannot be read is left out of what is told, and ends nothing', async () => {
  await using world = new World()
  const ports = world.ports('client')
  const client = parcels.client({
    ...ports,
    eventStreamer: {
      ...ports.eventStreamer,
      newReceiver: async (options) => {
        const receiver = await ports.eventStreamer.newReceiver(options)
        return receiving(receiver, {
          receive: async (asked) =>
            (await receiver.receive(asked)).map((delivery) =>
              delivery.event.foreignId === 'poison'
                ? Object.defineProperty({ ...delivery }, 'event', {
                    get: () => {
                      throw new Error('garbage')
                    },
                  })
                : delivery,
            ),
        })
      },
    },
  })
  const changes = await client.changes({ signal: new AbortController().signal })
  await client.trigger('poison', { initialValue: {} })
  await client.trigger('sound', { initialValue: {} })
  for await (const { foreignId } of changes) {
    expect(foreignId).toBe('sound')
    break
  }
  expect(world.logged('error', 'cannot be read; leaving it out')).toHaveLength(1)
})

test('runs are counted and listed by time, parent, status and state', async () => {
  await using world = new World()
  const client = parcels.client(world.ports('client'))
  const start = world.clock.now()
  const first = await client.trigger('a', { initialValue: {}, metadata: { tier: 'gold' } })
  await world.pass(10_000)
  await client.trigger('b', { initialValue: {}, startAt: 'sent', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` })
  await client.pause(first, ann)
  const at = (ms: number): Date => new Date(start + ms)
  const ids = async (query: Parameters<typeof client.list>[0]): Promise<readonly string[]> =>
    (await client.list(query)).items.map(({ foreignId }) => foreignId)
  expect(await ids({ createdAfter: at(1) })).toEqual(['b'])
  expect(await ids({ createdAfter: at(0), createdBefore: at(10_000) })).toEqual(['a'])
  expect(await ids({ updatedBefore: at(10_000) })).toEqual([])
  expect(await client.count('status')).toEqual(
    new Map([
      ['packed', 1],
      ['sent', 1],
    ]),
  )
  expect(await client.count('state', { metadata: { tier: 'gold' } })).toEqual(new Map([['Paused', 1]]))
  expect(await client.lookup(first)).toMatchObject({ pause: { by: 'person', actor: 'ann', reason: 'because' } })
  expect((await client.list({ foreignId: 'b' })).items[0]?.traceparent).toContain('aaaa')
  for (const query of [{ createdAfter: 'yesterday' }, { updatedBefore: new Date(Number.NaN) }, { parentRunId: '' }])
    await expect(client.list(query as never)).rejects.toMatchObject({ code: 'InvalidArgument' })
  await expect(client.count('age' as never)).rejects.toMatchObject({ code: 'InvalidArgument' })
})

test('timers of a run come in pages, with what became of them; lags by receiver', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.onComplete(async () => undefined).build(ports))
  const client = parcels.client(world.ports('client'))
  const runId = await wf.trigger('p', { initialValue: {} })
  await world.within(wf.await(runId, 'sent'))
  const open = (await client.timers(runId)).items
  expect(open).toEqual([{ kind: 'timeout', name: expect.any(String), version: 2, at: expect.any(Date), state: 'open', attempt: 0 }])
  await client.pause(runId, ann)
  expect((await client.timers(runId, { limit: 1 })).items.map(({ state }) => state)).toEqual(['held'])
  await client.resume(runId, ann)
  await world.pass(3_601_000)
  expect((await client.timers(runId)).items.map(({ state }) => state)).toEqual(['fired'])
  await expect(client.timers('nobody')).rejects.toSatisfy((error) => isWorkflowError(error, 'RunNotFound'))
  await expect(client.timers(runId, { limit: 0 })).rejects.toMatchObject({ code: 'InvalidArgument' })
  await world.turns()
  expect((await client.lag()).map(({ name, events }) => `${name}: ${events}`).sort((one, other) => one.localeCompare(other))).toEqual([
    'parcels/hook complete: 0',
    'parcels/runs: 0',
  ])
})
