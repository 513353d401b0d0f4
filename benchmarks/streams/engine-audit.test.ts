import type { EventStreamer, RunEvent } from '@workflow/core/adapter'
import { memory, memoryEventStreamer } from '@workflow/core/memory'
import { expect, test } from 'vitest'
import { Completions } from '../harness/completions.ts'
import { window } from '../harness/loads.ts'
import { ordersWorkflow } from '../harness/orders.ts'
import { assertAllCompleted, assertAllHandled, assertAllSent } from './engine-audit.ts'
import { Passage } from './passage.ts'
import { eventOf, layoutOf, readerOf } from './stream-load.ts'

const begun = new Date(0)
const soonMs = 50
const topics = ['orders/placed', 'orders/paid', 'orders/packed', 'orders/shipped']
const [first, ...others]: readonly RunEvent[] = topics.map((topic, n) => ({ ...eventOf(0), version: n + 1, topics: [topic] }))

async function streamOf(events: readonly (RunEvent | undefined)[]): Promise<EventStreamer> {
  const streamer = memoryEventStreamer()
  await streamer.ensure({ ...layoutOf(topics), receivers: [] })
  await using sender = await streamer.newSender()
  await sender.send(events.filter((event) => event !== undefined))
  return streamer
}

test('a load that has gone through the engine passes', async () => {
  const database = memory()
  const [completions, passage] = [new Completions(), new Passage()]
  await using workflow = ordersWorkflow({ ...database, eventStreamer: passage.through(database.eventStreamer) }, completions)
  await workflow.run()
  await window({ workflow, completions, prefix: 'run', runs: 20 })
  await passage.until({ sent: 0, handled: 60 })
  await assertAllCompleted(database.recordStore, 20)
  await assertAllHandled(database.eventStreamer)
  await assertAllSent(database.eventStreamer, 20, begun)
})

test('a run that is not stored as completed is found', async () => {
  const database = memory()
  await expect(assertAllCompleted(database.recordStore, 1)).rejects.toThrow('1 runs were completed, but [] are stored')
})

test('an event that is not in the stream is found, whatever was sent twice', async () => {
  await assertAllSent(await streamOf([first, ...others]), 1, begun)
  await expect(assertAllSent(await streamOf([first, first, ...others.slice(1)]), 1, begun, soonMs)).rejects.toThrow(
    'only 3 of 4 events are in the stream',
  )
})

test('an event that nobody has acknowledged is found', async () => {
  const streamer = memoryEventStreamer()
  await using reader = await readerOf({ eventStreamer: streamer, close: () => streamer.close() }, ['orders/paid'])
  await using sender = await streamer.newSender()
  await sender.send([eventOf(0)])
  await expect(assertAllHandled(streamer)).rejects.toThrow('not everything was handled: reader lacks 1')
  for (const { ack } of await reader.receive({ max: 1, signal: AbortSignal.timeout(10_000) })) await ack()
  await assertAllHandled(streamer)
})

test('waiting for what does not pass ends with how far it came', async () => {
  const passage = new Passage(soonMs)
  const streamer = passage.through(await streamOf([]))
  await using sender = await streamer.newSender()
  await sender.send([eventOf(0), eventOf(1)])
  await passage.until({ sent: 2, handled: 0 })
  await expect(passage.until({ sent: 3, handled: 1 })).rejects.toThrow('only 2 of 3 events were sent, and 0 of 1 handled')
})

test('a delivery that is acknowledged twice counts once', async () => {
  const passage = new Passage(soonMs)
  const eventStreamer = passage.through(memoryEventStreamer())
  await using reader = await readerOf({ eventStreamer, close: () => eventStreamer.close() }, ['orders/paid'])
  await using sender = await eventStreamer.newSender()
  await sender.send([eventOf(0)])
  const [delivery] = await reader.receive({ max: 1, signal: AbortSignal.timeout(10_000) })
  await delivery?.ack()
  await delivery?.ack()
  await expect(passage.until({ sent: 1, handled: 2 })).rejects.toThrow('only 1 of 1 events were sent, and 1 of 2 handled')
})
