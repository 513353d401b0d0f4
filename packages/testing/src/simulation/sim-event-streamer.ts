/** The event streamer of one process, over the streams that all share. */
import type { Connector, EventReceiver, EventStreamer, ForeignEvent, Outbox, RunEvent } from '@workflow/core/adapter'
import { memoryEventStreamer } from '@workflow/core/memory'
import type { SimProcess } from './sim-process.ts'
import { SimReceiver } from './sim-receiver.ts'
import { hookStates } from './subject.ts'

/** Every receiver that is open, by name: who else could be handed an event. */
export class Receivers {
  readonly #open = new Map<string, Set<SimReceiver<RunEvent>>>()

  named(name: string): Set<SimReceiver<RunEvent>> {
    let receivers = this.#open.get(name)
    if (receivers === undefined) this.#open.set(name, (receivers = new Set()))
    return receivers
  }

  /** Those that somebody has a slot of. */
  assigned(): readonly SimReceiver<RunEvent>[] {
    return [...this.#open.values()].flatMap((receivers) => [...receivers]).filter(({ claimed }) => claimed.length > 0)
  }
}

/** @param source The store whose commits arrive by themselves; undefined: a relay sends them. */
export function simEventStreamer(process: SimProcess, receivers: Receivers, source: object | undefined): EventStreamer {
  const { database, serverNow } = process.world
  const clock = serverClock(serverNow)
  const streamer = memoryEventStreamer({ database, clock })
  const call = <T>(name: string, effect: () => Promise<T>): Promise<T> => process.call({ place: 'read', name, side: 'stream', effect })
  return {
    ...(source === undefined ? undefined : { source }),
    ensure: (layout) => call('ensure', () => streamer.ensure(layout)),
    newSender: async () => {
      const sender = await call('newSender', () => streamer.newSender())
      return {
        send: (events) =>
          process.call({
            place: 'write',
            name: 'send',
            side: 'stream',
            order: 'send',
            effect: async () => {
              await sender.send(events)
              process.world.oracle.sent(events)
            },
          }),
        [Symbol.asyncDispose]: async () => await sender[Symbol.asyncDispose](),
      }
    },
    newReceiver: async (options) => {
      const receiver = await call('newReceiver', () => streamer.newReceiver(options))
      if (!options.durable) return new SimReceiver(process, { name: 'awaits', receiver, mayLose: false, siblings: new Set() })
      // Lost events of runs are what the sweeper looks for; hooks have no such net.
      const isOfRuns = options.name.endsWith('/runs')
      const state = hookStates[options.name.slice(options.name.lastIndexOf(' ') + 1)]
      const { oracle } = process.world
      return new SimReceiver(process, {
        name: options.name,
        receiver,
        mayLose: isOfRuns,
        siblings: receivers.named(options.name),
        onAcknowledged: (event) => {
          if (isOfRuns) oracle.acknowledged(event)
          else if (state !== undefined) oracle.hookAcknowledged(event, state)
        },
      })
    },
    receivers: (workflowName) => call('receivers', () => streamer.receivers(workflowName)),
    removeReceiver: (name) => call('removeReceiver', () => streamer.removeReceiver(name)),
    close: () => streamer.close(),
  }
}

/** The outbox of the shared store, as one process sees it. */
export function simOutbox(process: SimProcess): Outbox {
  const { outbox } = process.world.store
  return {
    newReceiver: async (options) => {
      const receiver = await process.call({
        place: 'read',
        name: 'newReceiver of the outbox',
        side: 'store',
        effect: () => outbox.newReceiver(options),
      })
      const onAcknowledged = (event: RunEvent): void => process.world.oracle.relayed(event)
      return new SimReceiver(process, { name: 'outbox', receiver, mayLose: false, siblings: new Set(), onAcknowledged })
    },
  }
}

/** A foreign stream, as one process sees it. */
export function simConnector(process: SimProcess, connector: Connector): Connector {
  return {
    connect: async (options): Promise<EventReceiver<ForeignEvent>> => {
      const receiver = await process.call({
        place: 'read',
        name: `connect ${options.name}`,
        side: 'stream',
        effect: () => connector.connect(options),
      })
      const onAcknowledged = ({ id }: ForeignEvent): void => process.world.oracle.letterAcknowledged(id, options.name)
      return new SimReceiver(process, { name: options.name, receiver, mayLose: false, siblings: new Set(), onAcknowledged })
    },
  }
}

/** The clock of the servers, for what only asks for the time. */
export function serverClock(now: () => number): {
  readonly now: () => number
  readonly monotonic: () => number
  readonly setTimer: () => Disposable
  readonly setImmediate: () => Disposable
} {
  const never = (): never => {
    throw new Error('the servers of a simulation have no timers of their own')
  }
  return { now, monotonic: now, setTimer: never, setImmediate: never }
}
