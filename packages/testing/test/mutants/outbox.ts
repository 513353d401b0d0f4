/** Stores whose outbox is wrong about one thing. */
import { isWorkflowError, type EventReceiver, type OutboxReceiverOptions, type RecordStore, type RunEvent } from '@workflow/core/adapter'
import type { StoreChanger } from '../memory-harness.ts'
import { acking, receiverOver } from './breaking-receiver.ts'
import { units } from './breaking-store.ts'
import { mutant, type Mutant } from './mutant.ts'

/** Another receiver of the outbox. */
function relays(change: (receiver: EventReceiver<RunEvent>, options: OutboxReceiverOptions) => EventReceiver<RunEvent>): StoreChanger {
  return (store) => ({
    ...store,
    outbox: { ...store.outbox, newReceiver: async (options) => change(await store.outbox.newReceiver(options), options) },
  })
}

/** Another way to open the outbox. */
function opening(change: (options: OutboxReceiverOptions) => OutboxReceiverOptions): StoreChanger {
  return (store) => ({ ...store, outbox: { ...store.outbox, newReceiver: (options) => store.outbox.newReceiver(change(options)) } })
}

export const outboxMutants: readonly Mutant<StoreChanger>[] = [
  mutant(
    'hands the last out first',
    relays((receiver) =>
      receiverOver(receiver, {
        receive: async (options) => (options.max === 7 ? (await receiver.receive(options)).toReversed() : receiver.receive(options)),
      }),
    ),
    'the outbox hands out every committed event, in order per run',
  ),
  mutant(
    'takes an ack for all that came before it',
    relays((receiver) =>
      receiverOver(receiver, {
        receive: async (options) => {
          const batch = await receiver.receive(options)
          return batch.length === 6
            ? acking(batch, async (delivery) => {
                for (const each of batch) if (each.event.version <= delivery.event.version) await each.ack()
              })
            : batch
        },
      }),
    ),
    'events that were acknowledged do not come again, the others do',
  ),
  mutant(
    'forgets when an event happened',
    units((unit) => ({
      ...unit,
      ...(unit.changes?.length === 1 && unit.timers === undefined
        ? { changes: unit.changes.map((change) => ({ ...change, event: { ...change.event, at: new Date(0) } })) }
        : {}),
    })),
    'the outbox waits for the next commit',
  ),
  mutant(
    'sends what a unit emits first',
    (store) => ({
      ...store,
      commit: async (unit, options) => {
        const { emit = [], ...rest } = unit
        if (unit.changes === undefined || emit.length < 2) return store.commit(unit, options)
        await store.commit({ id: `${unit.id} emits`, emit })
        return store.commit(rest, options)
      },
    }),
    'changes and emitted events of one unit come in its order',
  ),
  mutant(
    'sends what a refused unit emits',
    (store) => ({
      ...store,
      commit: async (unit, options) => {
        const answer = await store.commit(unit, options)
        if (!answer.ok && unit.emit !== undefined) await store.commit({ id: `${unit.id} emits`, emit: unit.emit })
        return answer
      },
    }),
    'a refused unit sends nothing',
  ),
  mutant(
    'reads a slot that nobody claimed',
    opening((options) =>
      options.claims.length === 2 && options.claims[0]?.slot === 0
        ? { ...options, claims: [...options.claims, { slot: 1, fence: { role: 'orders/1', domain: 'leases-1', token: 1n } }] }
        : options,
    ),
    'a relay sees its own workflow and its own slots only',
  ),
  mutant(
    "takes an older relay's acks in silence",
    relays((receiver) =>
      receiverOver(receiver, {
        receive: async (options) => acking(await receiver.receive(options), (delivery) => delivery.ack().catch(() => undefined)),
      }),
    ),
    'a newer relay takes over and the older one is fenced',
  ),
  mutant(
    'throws an error of its own when a wait is aborted',
    relays((receiver) =>
      receiverOver(receiver, {
        receive: (options) =>
          receiver.receive(options).catch((error: unknown) => {
            throw options.signal.aborted && options.max === 10 ? new Error('aborted') : error
          }),
      }),
    ),
    'an aborted wait of a relay loses nothing',
  ),
  mutant(
    'keeps calling a listener that was disposed',
    (store: RecordStore) => ({
      ...store,
      outbox: {
        ...store.outbox,
        onAppend: (wake) => {
          store.outbox.onAppend?.(wake)
          return { [Symbol.dispose]: () => undefined }
        },
      },
    }),
    'a listener hears of commits of its own process until it is disposed',
  ),
  mutant(
    'does not hear of the commits of others',
    (store) => {
      let commits = 0
      return {
        ...store,
        commit: (unit, options) => {
          commits++
          return store.commit(unit, options)
        },
        outbox: {
          ...store.outbox,
          newReceiver: async (options) => {
            const receiver = await store.outbox.newReceiver(options)
            return receiverOver(receiver, {
              receive: async (receiving) => {
                const batch = await receiver.receive(receiving)
                if (commits === 0)
                  await new Promise((_, reject) => {
                    receiving.signal.addEventListener('abort', () => reject(receiving.signal.reason as Error))
                  })
                return batch
              },
            })
          },
        },
      }
    },
    'events of another instance come, too',
  ),
  mutant(
    'leaves relays waiting when the store closes',
    relays((receiver) =>
      receiverOver(receiver, {
        receive: (options) =>
          receiver
            .receive(options)
            .catch((error: unknown) =>
              isWorkflowError(error, 'Stopped') ? new Promise<never>(() => undefined) : Promise.reject(error as Error),
            ),
      }),
    ),
    'closing the store ends its relays',
  ),
]
