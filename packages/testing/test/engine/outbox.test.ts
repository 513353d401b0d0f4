/** The outbox of a store whose streamer is another: relayed in order, through whatever fails on the way. */
import { after, StoreUnavailable, unchecked, workflow } from '@workflow/core'
import { memoryDatabase, memoryEventStreamer } from '@workflow/core/memory'
import { expect, test } from 'vitest'
import { handingOut, type Ports, sending, World } from './world.ts'

const bills = workflow('bills', {
  object: unchecked<{ readonly kind?: string; log: string[] }>(),
  graph: {
    made: { step: ['checked'] },
    checked: { callback: ['paid'], timeout: ['overdue'] },
    paid: { step: ['closed'] },
    overdue: { step: ['closed'] },
    closed: {},
  },
})
const definition = bills
  .addStep('made', async (run) => {
    run.object.log.push('made')
    return 'checked'
  })
  .addCallback('checked', async (run) => {
    run.object.log.push('checked')
    return 'paid'
  })
  .addTimeout('checked', after('1h'), async () => 'overdue')
  .addStep('paid', async (run) => {
    run.object.log.push('paid')
    return 'closed'
  })
  .addStep('overdue', async () => 'closed')

/** The history of a bill that was paid, once. */
const paid = ['1 made', '2 checked', '3 paid', '4 closed']

async function path(wf: ReturnType<typeof definition.build>, runId: string): Promise<readonly string[]> {
  return (await wf.history(runId)).items.map(({ version, to }) => `${version} ${to}`)
}

test('with a streamer of its own the outbox is relayed, in order, through failures of the stream and a crash', async () => {
  await using world = new World({ database: memoryDatabase({ committedEvents: 'outbox' }) })
  const streams = memoryDatabase()
  let sends = 0
  const worker = (name: string) => (ports: Ports) => {
    // Its own: what is dead goes on sending here, and must not meet every chance of the living one.
    let calls = 0
    const eventStreamer = sending(memoryEventStreamer({ database: streams, clock: world.clock }), async (events, sender) => {
      sends += 1
      if (++calls % 2 === 1) throw new Error('broker is away')
      await sender.send(events)
      if (name === 'a' && sends > 2) {
        world.kill('a')
        throw new Error('dead')
      }
    })
    return definition.build({ ...ports, eventStreamer })
  }
  const a = await world.start(worker('a'), 'a')
  expect(a.states().map(({ name }) => name)).toContain('outbox')
  const client = bills.client({ ...world.ports('client'), eventStreamer: memoryEventStreamer({ database: streams, clock: world.clock }) })
  const ids = await Promise.all(Array.from({ length: 12 }, (_, i) => client.trigger(`b${i}`, { initialValue: { log: [] } })))
  await world.pass(20_000)
  expect(sends).toBeGreaterThan(2)
  const b = await world.start(worker('b'), 'b')
  for (const runId of ids) {
    await world.within(b.await(runId, 'checked'))
    await world.within(client.callback({ runId }, 'checked'))
    await world.within(client.awaitCompletion(runId))
    expect(await path(b, runId)).toEqual(paid)
  }
  expect(world.logged('error', 'sending events failed').length).toBeGreaterThan(0)
})

test('an acknowledgement of the outbox that fails is made up for, and nothing is sent twice for it', async () => {
  await using world = new World({ database: memoryDatabase({ committedEvents: 'outbox' }) })
  const streams = memoryDatabase()
  const sent: string[] = []
  let acks = 0
  let acked = 0
  const eventStreamer = sending(memoryEventStreamer({ database: streams, clock: world.clock }), async (events, sender) => {
    sent.push(...events.map(({ runId, version }) => `${runId}/${version}`))
    await sender.send(events)
  })
  const change = handingOut((deliveries) =>
    deliveries.map((delivery) => ({
      ...delivery,
      ack: () => {
        // At once, or by its promise.
        if (++acks === 1) throw new StoreUnavailable('away')
        if (acks === 2) return Promise.reject(new StoreUnavailable('away'))
        acked += 1
        return delivery.ack()
      },
    })),
  )
  const wf = await world.start((ports) => definition.build({ ...ports, eventStreamer }), 'a', { change })
  const runId = await world.within(wf.trigger('b', { initialValue: { log: [] } }))
  await world.within(wf.await(runId, 'checked'))
  await world.pass(10_000)
  expect(sent).toEqual([`${runId}/1`, `${runId}/2`])
  expect(acked).toBe(2)
})

test('while what was sent is acknowledged the next events go out, up to a bound, and stopping waits for it', async () => {
  await using world = new World({ database: memoryDatabase({ committedEvents: 'outbox' }) })
  const streams = memoryDatabase()
  const sent: string[] = []
  let held = Promise.withResolvers<void>()
  const release = (): void => {
    held.resolve()
    held = Promise.withResolvers<void>()
  }
  const eventStreamer = sending(memoryEventStreamer({ database: streams, clock: world.clock }), async (events, sender) => {
    sent.push(...events.map(({ foreignId, version }) => `${foreignId}/${version}`))
    await sender.send(events)
  })
  const change = handingOut((deliveries) =>
    deliveries.map((delivery) => ({ ...delivery, ack: () => held.promise.then(() => delivery.ack()) })),
  )
  const wf = await world.start((ports) => definition.build({ ...ports, eventStreamer }), 'a', { change })
  for (const foreignId of ['b1', 'b2', 'b3']) {
    await world.within(wf.trigger(foreignId, { initialValue: { log: [] } }))
    await world.pass(1_000)
  }
  expect(sent).toEqual(['b1/1', 'b1/2', 'b2/1'])
  release()
  await world.pass(1_000)
  expect(sent.slice(3)).toEqual(['b2/2', 'b3/1', 'b3/2'])
  let stopped = false
  const stopping = wf.stop().then(() => (stopped = true))
  await world.pass(1_000)
  expect(stopped).toBe(false)
  release()
  await world.within(stopping)
})

test('whatever is read meanwhile, one batch is sent at a time and none overtakes another', async () => {
  await using world = new World({ database: memoryDatabase({ committedEvents: 'outbox' }) })
  const streams = memoryDatabase()
  const begun: string[] = []
  let underway = 0
  let sendingMost = 0
  const eventStreamer = sending(memoryEventStreamer({ database: streams, clock: world.clock }), async (events, sender) => {
    begun.push(...events.map(({ foreignId, version }) => `${foreignId}/${version}`))
    sendingMost = Math.max(sendingMost, ++underway)
    // The first takes longest.
    await new Promise<void>((resolve) => world.clock.setTimer(1_000 / begun.length, resolve))
    await sender.send(events)
    underway -= 1
  })
  const wf = await world.start((ports) => definition.build({ ...ports, eventStreamer }))
  for (const foreignId of ['b1', 'b2', 'b3']) {
    await world.within(wf.trigger(foreignId, { initialValue: { log: [] } }))
    await world.pass(10)
  }
  await world.pass(5_000)
  expect(sendingMost).toBe(1)
  expect(begun.toSorted()).toEqual(['b1/1', 'b1/2', 'b2/1', 'b2/2', 'b3/1', 'b3/2'])
  for (const foreignId of ['b1', 'b2', 'b3']) expect(begun.indexOf(`${foreignId}/1`)).toBeLessThan(begun.indexOf(`${foreignId}/2`))
})

test('a stop waits for what is being sent, and begins to send nothing more: others have the slots', async () => {
  await using world = new World({ database: memoryDatabase({ committedEvents: 'outbox' }) })
  const streams = memoryDatabase()
  const begun: string[] = []
  const client = bills.client({ ...world.ports('client'), eventStreamer: memoryEventStreamer({ database: streams, clock: world.clock }) })
  const eventStreamer = sending(memoryEventStreamer({ database: streams, clock: world.clock }), async (events, sender) => {
    begun.push(...events.map(({ foreignId }) => foreignId))
    await new Promise<void>((resolve) => world.clock.setTimer(2_000, resolve))
    await sender.send(events)
  })
  const wf = await world.start((ports) => definition.build({ ...ports, eventStreamer }))
  await world.pass(100)
  for (const foreignId of ['b1', 'b2', 'b3', 'b4']) {
    await client.trigger(foreignId, { initialValue: { log: [] } })
    await world.pass(10)
  }
  expect(begun).toEqual(['b1'])
  const at = world.clock.monotonic()
  await world.within(wf.stop())
  expect(begun).toEqual(['b1'])
  expect(world.clock.monotonic() - at).toBeLessThanOrEqual(2_000)
})

test('with outbox: false nothing is relayed: something else does it', async () => {
  await using world = new World({ database: memoryDatabase({ committedEvents: 'outbox' }) })
  const wf = await world.start((ports) => definition.build({ ...ports, outbox: false }))
  expect(wf.states().map(({ name }) => name)).not.toContain('outbox')
})
