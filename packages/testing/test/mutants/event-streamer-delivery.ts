/** Event streamers that hand out other things than they were sent. */
import { type Delivery, type RunEvent } from '@workflow/core/adapter'
import type { StreamerChanger } from '../memory-harness.ts'
import { batches, both, receiverOver, receivers } from './breaking-receiver.ts'
import { mutant, type Mutant } from './mutant.ts'

export const deliveryMutants: readonly Mutant<StreamerChanger>[] = [
  mutant(
    'forgets where a run came from',
    batches((batch) =>
      batch.map((delivery) =>
        delivery.slot === 2 && delivery.event.version === 2 && delivery.event.topics.length === 2
          ? { ...delivery, event: { ...delivery.event, states: [] } }
          : delivery,
      ),
    ),
    ...both('events come as they were sent'),
  ),
  mutant(
    'hands a batch out backwards',
    batches((batch) => (batch.length === 7 ? batch.toReversed() : batch)),
    ...both('the events of a run come in the order in which they were sent'),
  ),
  mutant(
    'hands out again what is not acknowledged within a minute',
    receivers((receiver) => {
      let first: readonly Delivery<RunEvent>[] = []
      let told = false
      return receiverOver(receiver, {
        receive: async (options) => {
          if (first.length === 2 && !told && options.max === 100) {
            told = true
            return first
          }
          const batch = await receiver.receive(options)
          if (options.max === 2 && first.length === 0) first = batch
          return batch
        },
      })
    }),
    ...both('nothing is handed out twice while its receiver lives'),
  ),
  mutant(
    'wakes nobody up after the first event',
    receivers((receiver) => {
      let batchesCount = 0
      return receiverOver(receiver, {
        receive: async (options) => {
          if (batchesCount === 1 && options.max === 100)
            await Promise.race([
              new Promise<void>(() => undefined),
              new Promise((_, reject) => {
                options.signal.addEventListener('abort', () => reject(options.signal.reason as Error))
              }),
            ])
          const batch = await receiver.receive(options)
          if (batch.length === 1 && batch[0]?.slot === 1 && batch[0].event.version === 1) batchesCount++
          return batch
        },
      })
    }),
    ...both('a receiver that waits wakes up when an event is sent'),
    ...both('events that one instance sends come to another'),
  ),
  mutant(
    'throws an error of its own when a wait is aborted',
    receivers((receiver) =>
      receiverOver(receiver, {
        receive: (options) =>
          receiver.receive(options).catch((error: unknown) => {
            throw options.signal.aborted && options.max === 10 ? new Error('aborted') : error
          }),
      }),
    ),
    ...both('a wait that is aborted throws the reason and loses nothing'),
  ),
  mutant(
    'drops what comes while a wait is being aborted',
    receivers((receiver) =>
      receiverOver(receiver, {
        receive: async (options) => {
          const batch = await receiver.receive(options)
          await Promise.resolve()
          if (options.max === 1) options.signal.throwIfAborted()
          return batch
        },
      }),
    ),
    ...both('an event that comes while a wait is being aborted is not lost'),
  ),
  mutant(
    'drops an event whose version it has handed out',
    receivers((receiver) => {
      const seen = new Set<string>()
      return receiverOver(receiver, {
        receive: async (options) => {
          for (;;) {
            const kept = (await receiver.receive(options)).filter(({ event }) => {
              const isNew = !seen.has(`${event.runId} ${event.version}`)
              seen.add(`${event.runId} ${event.version}`)
              return event.kind !== 'reemit' || isNew
            })
            if (kept.length > 0) return kept
          }
        },
      })
    }),
    ...both('the same version may be sent again and comes again'),
  ),
  mutant(
    'does not look at `except`',
    receivers((receiver) => receiverOver(receiver, { receive: ({ max, signal }) => receiver.receive({ max, signal }) })),
    ...both('a saturated topic holds no other one up, and comes whole when it is wanted again'),
  ),
  mutant(
    'acknowledges for every receiver',
    (streamer, { shared }) => ({
      ...streamer,
      newReceiver: async (options) => {
        const receiver = await streamer.newReceiver(options)
        return receiverOver(receiver, {
          receive: async (receiving) => {
            for (;;) {
              const batch = await receiver.receive(receiving)
              const kept = batch.filter(
                ({ event }) => !(options.durable && options.name === 'hooks' && shared.has(`${event.runId} ${event.version}`)),
              )
              for (const { event } of kept) shared.set(`${event.runId} ${event.version}`, true)
              if (kept.length > 0) return kept
            }
          },
        })
      },
    }),
    ...both('each receiver has every event, at its own pace'),
  ),
  mutant(
    'shows a receiver the events of others',
    receivers((receiver) =>
      receiverOver(receiver, {
        receive: async (options) =>
          (await receiver.receive(options)).map((delivery) =>
            delivery.topic === 'orders/status-3' ? { ...delivery, topic: 'orders/status-0' } : delivery,
          ),
      }),
    ),
    ...both('many receivers wait at once, each for its own'),
    ...both('a layout of many topics, slots and receivers costs nobody an event'),
  ),
  mutant(
    'passes over what is older than the newest that it has handed out',
    receivers((receiver) => {
      let newest = 0
      return receiverOver(receiver, {
        receive: async (options) => {
          for (;;) {
            const kept = (await receiver.receive(options)).filter(({ event }) => event.at.getTime() >= newest)
            newest = Math.max(newest, ...kept.map(({ event }) => event.at.getTime()))
            if (kept.length > 0) return kept
          }
        },
      })
    }),
    'an event that is committed late comes all the same, and one that is rolled back holds nothing up (fed by the store)',
    ...both('slots that move between holders while events are in flight lose and disorder nothing'),
  ),
]
