/** One event that cannot be read, among those that the outbox hands on. */
import { StoreCorrupt, unchecked, workflow } from '@workflow/core'
import { memoryDatabase, memoryEventStreamer } from '@workflow/core/memory'
import { expect, test } from 'vitest'
import { handingOut, World } from './world.ts'

test('an event of the outbox that cannot be read does not keep back the ones beside it', async () => {
  await using world = new World({ database: memoryDatabase({ committedEvents: 'outbox' }) })
  const simple = workflow('simple', { object: unchecked<{ n: number }>(), graph: { a: { step: ['b'] }, b: {} } })
  const client = simple.client({ ...world.ports('c'), eventStreamer: memoryEventStreamer({ clock: world.clock }) })
  const bad = await client.trigger('bad', { initialValue: { n: 1 } })
  const good = await client.trigger('good', { initialValue: { n: 1 } })
  const wf = await world.start(
    (ports) =>
      simple
        .addStep('a', async () => 'b')
        .build({ ...ports, slots: 2, eventStreamer: memoryEventStreamer({ clock: world.clock }), sweepFrequency: '24h' }),
    'a',
    {
      change: handingOut((deliveries) =>
        deliveries.map((delivery) => ({
          topic: delivery.topic,
          slot: delivery.slot,
          redelivered: delivery.redelivered,
          ack: () => delivery.ack(),
          get event() {
            if (delivery.event.runId === bad) throw new StoreCorrupt('an event makes no sense')
            return delivery.event
          },
        })),
      ),
    },
  )
  await world.pass(600_000)
  expect(await wf.lookup(good)).toMatchObject({ status: 'b' })
})
