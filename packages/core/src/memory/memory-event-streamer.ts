import { Configuration, Stopped } from '../errors.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { Clock } from '../ports/clock.ts'
import type {
  DurableReceiverOptions,
  EphemeralReceiverOptions,
  EventReceiver,
  EventSender,
  EventStreamer,
} from '../ports/event-streamer.ts'
import type { RecordStore } from '../ports/record-store.ts'
import { systemClock } from '../system/system-clock.ts'
import { Cursor } from './cursor.ts'
import { startOf } from './event-log.ts'
import { memoryDatabase, type MemoryDatabase } from './memory-database.ts'
import { MemoryReceiver } from './memory-receiver.ts'

/** Options of `memoryEventStreamer`. */
export interface MemoryEventStreamerOptions {
  /** Share it to see the same events from several streamers. @default a new, empty one */
  readonly database?: MemoryDatabase
  /** When events were sent. @default systemClock */
  readonly clock?: Clock
  /** The record store whose commits arrive in this database by themselves. `memory()` sets it. */
  readonly source?: RecordStore
}

/** An event streamer that keeps everything in this process's memory. */
export function memoryEventStreamer(options: MemoryEventStreamerOptions = {}): EventStreamer {
  const streamer = new MemoryEventStreamer(options)
  return {
    ...(options.source === undefined ? {} : { source: options.source }),
    ensure: async (layout) => streamer.log().ensure(layout),
    newSender: async () => streamer.newSender(),
    newReceiver: async (receiver) => (receiver.durable ? streamer.newDurable(receiver) : streamer.newEphemeral(receiver)),
    receivers: async (workflowName) =>
      [...streamer.log().groups.values()].filter((group) => group.workflowName === workflowName).map((group) => group.info()),
    removeReceiver: async (name) => {
      const { groups } = streamer.log()
      groups.get(name)?.remove()
      groups.delete(name)
    },
    close: async () => streamer.close(),
  }
}

class MemoryEventStreamer {
  readonly #database: MemoryDatabase
  readonly #clock: Clock
  readonly #receivers = new Set<MemoryReceiver>()
  #closed = false

  constructor(options: MemoryEventStreamerOptions) {
    this.#database = options.database ?? memoryDatabase()
    this.#clock = options.clock ?? systemClock
  }

  /** The events, as long as the streamer is open. */
  log(): MemoryDatabase['events'] {
    if (this.#closed) throw new Stopped('this event streamer has been closed; open a new one')
    return this.#database.events
  }

  newSender(): EventSender {
    this.log()
    let disposed = false
    return {
      send: async (events: readonly RunEvent[]) => {
        if (disposed) throw new Stopped('this sender has been disposed; open a new one')
        const log = this.log()
        for (const event of events) log.assertSlots(event)
        const nowMs = this.#clock.now()
        for (const event of events) for (const topic of event.topics) log.append(topic, event, nowMs)
      },
      [Symbol.asyncDispose]: async () => {
        disposed = true
      },
    }
  }

  async newDurable(options: DurableReceiverOptions): Promise<EventReceiver<RunEvent>> {
    const group = this.log().ensureGroup(options.workflowName, options)
    const receiver = new MemoryReceiver(options.name, options.topics, group, (gone) => this.#receivers.delete(gone))
    this.#receivers.add(receiver)
    try {
      await receiver.assign(options.claims)
    } catch (error) {
      receiver.stop()
      throw error
    }
    return receiver
  }

  newEphemeral(options: EphemeralReceiverOptions): EventReceiver<RunEvent> {
    const events = this.log()
    if (options.from !== 'latest' && !(options.from instanceof Date))
      throw new Configuration("an ephemeral receiver begins at 'latest' or at a Date")
    const { from } = options
    const logs = [...new Set(options.topics)].flatMap((topic) =>
      Array.from({ length: events.slotsOf(topic) }, (_, slot) => events.log(topic, slot)),
    )
    const cursors = logs.map((log) => new Cursor(log, startOf(log, from), false))
    const receiver = new MemoryReceiver(`of ${options.workflowName}`, options.topics, cursors, (gone) => this.#receivers.delete(gone))
    this.#receivers.add(receiver)
    return receiver
  }

  close(): void {
    this.#closed = true
    for (const receiver of this.#receivers) receiver.stop()
  }
}
