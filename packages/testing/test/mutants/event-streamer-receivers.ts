/** Event streamers that get their receivers, senders or their own end wrong. */
import { isWorkflowError } from '@workflow/core/adapter'
import type { StreamerChanger } from '../memory-harness.ts'
import { both, receiverOver, receivers } from './breaking-receiver.ts'
import { mutant, type Mutant } from './mutant.ts'

export const receiversMutants: readonly Mutant<StreamerChanger>[] = [
  mutant(
    'forgets since when it lags',
    (streamer) => ({
      ...streamer,
      receivers: async (workflowName) => (await streamer.receivers(workflowName)).map(({ oldest: _oldest, ...info }) => info),
    }),
    ...both('durable receivers are listed with their lag, running or not'),
  ),
  mutant(
    'keeps the cursors of a removed receiver',
    (streamer, { shared }) => ({
      ...streamer,
      removeReceiver: async (name) => {
        shared.set(name, true)
      },
      receivers: async (workflowName) => (await streamer.receivers(workflowName)).filter(({ name }) => !shared.has(name)),
    }),
    ...both('a removed receiver is forgotten, and begins anew'),
    ...both('closing a streamer ends everything that it started'),
  ),
  mutant(
    'lets a disposed receiver wait for ever',
    receivers((receiver) =>
      receiverOver(receiver, {
        receive: (options) =>
          receiver
            .receive(options)
            .catch((error: unknown) =>
              isWorkflowError(error, 'Stopped') && options.max === 100
                ? new Promise<never>(() => undefined)
                : Promise.reject(error as Error),
            ),
      }),
    ),
    ...both('disposing a receiver ends its wait and gives back what it had'),
    ...both('closing a streamer ends everything that it started'),
  ),
  mutant(
    'goes on listing after close',
    (streamer) => ({ ...streamer, receivers: (workflowName) => streamer.receivers(workflowName).catch(() => []) }),
    ...both('closing a streamer ends everything that it started'),
  ),
  mutant(
    'leaves a timer alive',
    (streamer, { clock }) => {
      clock.setTimer(1e9, () => undefined)
      return streamer
    },
    ...both('closing a streamer leaves nothing alive'),
  ),
  mutant(
    'hears of the events of others by asking, and asks too seldom',
    (streamer, { shared }) => {
      const own = Symbol('instance')
      return {
        ...streamer,
        ensure: async (layout) => {
          shared.set('ensured by', shared.get('ensured by') ?? own)
          await streamer.ensure(layout)
        },
        newReceiver: async (options) => {
          const receiver = await streamer.newReceiver(options)
          const other = shared.get('ensured by') !== own
          return receiverOver(receiver, {
            receive: async (receiving) => {
              const batch = await receiver.receive(receiving)
              if (other && options.durable && options.claims[0]?.fence.token === 1n)
                await new Promise((_, reject) => {
                  receiving.signal.addEventListener('abort', () => reject(receiving.signal.reason as Error))
                })
              return batch
            },
          })
        },
      }
    },
    ...both('events that one instance sends come to another'),
  ),
  mutant(
    'sends a batch backwards',
    (streamer) => ({
      ...streamer,
      newSender: async () => {
        const sender = await streamer.newSender()
        let sent = 0
        return {
          send: (events) => sender.send(++sent === 2 ? events.toReversed() : events),
          [Symbol.asyncDispose]: () => Promise.resolve(sender[Symbol.asyncDispose]()),
        }
      },
    }),
    'a sender sends in order, and nothing is nothing (fed by the sender)',
    'a receiver from latest begins where it was ensured, not where it was opened (fed by the sender)',
    'a receiver from a date begins with what was sent since (fed by the sender)',
    'an ephemeral receiver from a date sees what was sent since (fed by the sender)',
    'events that one instance sends come to another (fed by the sender)',
    'lost events are told once per loss, and the receiver goes on (fed by the sender)',
  ),
  mutant(
    'passes over lost events in silence',
    receivers((receiver) =>
      receiverOver(receiver, {
        receive: (options) =>
          receiver.receive(options).catch((error: unknown) => {
            if (isWorkflowError(error, 'EventsLost')) return receiver.receive(options)
            throw error
          }),
      }),
    ),
    ...both('lost events are told once per loss, and the receiver goes on'),
  ),
]
