/** Connectors that are wrong about one thing. */
import { isWorkflowError, type ConnectOptions, type Delivery, type EventReceiver, type ForeignEvent } from '@workflow/core/adapter'
import type { ConnectorChanger } from '../memory-harness.ts'
import { acking, receiverOver } from './breaking-receiver.ts'
import { mutant, type Mutant } from './mutant.ts'

/** Another receiver of a foreign stream. */
function receivers(
  change: (receiver: EventReceiver<ForeignEvent>, options: ConnectOptions) => EventReceiver<ForeignEvent>,
): ConnectorChanger {
  return (connector) => ({ ...connector, connect: async (options) => change(await connector.connect(options), options) })
}

/** Changes events on their way out. */
function events(change: (event: ForeignEvent) => ForeignEvent): ConnectorChanger {
  return receivers((receiver) =>
    receiverOver(receiver, {
      receive: async (options) => (await receiver.receive(options)).map((delivery) => ({ ...delivery, event: change(delivery.event) })),
    }),
  )
}

/** Another way to connect. */
function connecting(change: (options: ConnectOptions) => ConnectOptions): ConnectorChanger {
  return (connector) => ({ ...connector, connect: (options) => connector.connect(change(options)) })
}

let deliveries = 0

export const connectorMutants: readonly Mutant<ConnectorChanger>[] = [
  mutant(
    'takes an empty text for null',
    events((event) => (event.value === '' ? { ...event, value: null } : event)),
    'values come as they were published, with key and time',
  ),
  mutant(
    'leaves out empty headers',
    events((event) => ({ ...event, headers: Object.fromEntries(Object.entries(event.headers).filter(([, value]) => value !== '')) })),
    'headers come as they were published',
  ),
  mutant(
    'hands the last out first',
    receivers((receiver) =>
      receiverOver(receiver, {
        receive: async (options) => (options.max === 4 ? (await receiver.receive(options)).toReversed() : receiver.receive(options)),
      }),
    ),
    'events of one key come in order',
  ),
  mutant(
    'makes up an id for each delivery',
    events((event) => ({ ...event, id: `delivery-${++deliveries}` })),
    'an event has the same id whenever it is delivered',
  ),
  mutant(
    'takes an ack for all that came before it',
    receivers((receiver) =>
      receiverOver(receiver, {
        receive: async (options) => {
          const batch = await receiver.receive(options)
          const through = async (delivery: Delivery<ForeignEvent>): Promise<void> => {
            for (const each of batch) if (Number(each.event.value) <= Number(delivery.event.value)) await each.ack()
          }
          return batch.length === 6 ? acking(batch, through) : batch
        },
      }),
    ),
    'a cursor goes on where its acks ended',
  ),
  mutant(
    'shares one cursor between all names',
    connecting((options) => ({
      ...options,
      name: options.name === 'audit' ? 'payments' : options.name,
      fence: { ...options.fence, role: 'one' },
    })),
    'nothing comes twice while its receiver lives, and names do not share a cursor',
  ),
  mutant(
    'begins at latest with what was there before',
    connecting((options) => (options.from === 'latest' ? { ...options, from: 'earliest' } : options)),
    'a new cursor begins at latest with what comes after it',
  ),
  mutant(
    'takes a date for earliest',
    connecting((options) => (options.from instanceof Date ? { ...options, from: 'earliest' } : options)),
    'a new cursor begins at a date with what was published since',
  ),
  mutant(
    "takes an older holder's acks in silence",
    receivers((receiver) =>
      receiverOver(receiver, {
        receive: async (options) => acking(await receiver.receive(options), (delivery) => delivery.ack().catch(() => undefined)),
      }),
    ),
    'a newer holder takes over and the older one is fenced',
  ),
  mutant(
    'throws an error of its own when a wait is aborted',
    receivers((receiver) =>
      receiverOver(receiver, {
        receive: (options) =>
          receiver.receive(options).catch((error: unknown) => {
            throw options.signal.aborted && options.max === 1 ? new Error('aborted') : error
          }),
      }),
    ),
    'a receiver waits, wakes up, and can be aborted',
  ),
  mutant(
    'lets a disposed receiver wait for ever',
    receivers((receiver) =>
      receiverOver(receiver, {
        receive: (options) =>
          receiver
            .receive(options)
            .catch((error: unknown) =>
              isWorkflowError(error, 'Stopped') ? new Promise<never>(() => undefined) : Promise.reject(error as Error),
            ),
      }),
    ),
    'a disposed receiver throws Stopped and leaves nothing alive',
  ),
]
