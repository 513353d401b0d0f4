/**
 * A foreign stream in memory, for tests of connectors: what is published stays, each name has one cursor, and the newest
 * holder of a name reads it.
 */
import {
  ContiguousAcks,
  Fenced,
  Stopped,
  systemClock,
  Wakeup,
  type Clock,
  type Connector,
  type ConnectOptions,
  type Delivery,
  type EventReceiver,
  type Fence,
  type ForeignEvent,
  type ReceiveOptions,
  type Ticket,
} from '@workflow/core/adapter'

export interface MemoryConnectorOptions {
  /** When events are published. @default systemClock */
  readonly clock?: Clock
}

/** A stream to connect to, and a way to put something into it. */
export interface MemoryConnector extends Connector {
  /** Appends events, in order. `id` is made up where it is absent, `at` is now. */
  readonly publish: (
    events: readonly (Pick<ForeignEvent, 'key' | 'value'> & Partial<Pick<ForeignEvent, 'id' | 'headers'>>)[],
  ) => Promise<void>
  /** Ends every receiver: they throw `Stopped`. */
  readonly close: () => Promise<void>
}

/** A foreign stream in this process's memory. */
export function memoryConnector(options: MemoryConnectorOptions = {}): MemoryConnector {
  const stream = new ForeignStream(options.clock ?? systemClock)
  return {
    connect: async (connecting) => stream.connect(connecting),
    publish: async (events) => stream.publish(events),
    close: async () => stream.close(),
  }
}

interface Cursor {
  /** Index of the first event that is not acknowledged, together with all before it. */
  position: number
  fence: Fence
  holder: ForeignReceiver
}

class ForeignStream {
  readonly clock: Clock
  readonly events: ForeignEvent[] = []
  readonly #cursors = new Map<string, Cursor>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  publish(events: Parameters<MemoryConnector['publish']>[0]): void {
    const at = new Date(this.clock.now())
    for (const { id, key, value, headers } of events) {
      this.events.push({ id: id ?? `event-${this.events.length + 1}`, key, value: structuredClone(value), at, headers: { ...headers } })
    }
    for (const { holder } of this.#cursors.values()) holder.wakeUp()
  }

  connect({ name, from, fence }: ConnectOptions): ForeignReceiver {
    const known = this.#cursors.get(name)
    if (known !== undefined) {
      if (known.fence.domain === fence.domain && known.fence.token > fence.token)
        throw new Fenced(`connector ${JSON.stringify(name)} has a newer holder; take the role anew`)
      known.holder.fence()
    }
    const position = known?.position ?? this.#startOf(from)
    const receiver = new ForeignReceiver(name, this.events, position, (acknowledged) => {
      cursor.position = acknowledged
    })
    const cursor: Cursor = { position, fence, holder: receiver }
    this.#cursors.set(name, cursor)
    return receiver
  }

  close(): void {
    for (const { holder } of this.#cursors.values()) holder.stop()
  }

  #startOf(from: ConnectOptions['from']): number {
    if (from === 'earliest') return 0
    if (from === 'latest') return this.events.length
    const index = this.events.findIndex(({ at }) => at >= from)
    return index < 0 ? this.events.length : index
  }
}

class ForeignReceiver implements EventReceiver<ForeignEvent> {
  readonly #name: string
  readonly #events: readonly ForeignEvent[]
  readonly #onAcked: (position: number) => void
  readonly #acks = new ContiguousAcks<number>()
  readonly #wakeup = new Wakeup()
  #next: number
  #fenced: 'no' | 'untold' | 'told' = 'no'
  #stopped = false

  constructor(name: string, events: readonly ForeignEvent[], position: number, onAcked: (position: number) => void) {
    this.#name = name
    this.#events = events
    this.#next = position
    this.#onAcked = onAcked
  }

  async receive({ max, signal }: ReceiveOptions): Promise<readonly Delivery<ForeignEvent>[]> {
    for (;;) {
      signal.throwIfAborted()
      if (this.#stopped) throw new Stopped(`the receiver of ${JSON.stringify(this.#name)} has been closed; connect again`)
      if (this.#fenced === 'untold') {
        this.#fenced = 'told'
        throw this.#fencedError()
      }
      const events = this.#fenced === 'no' ? this.#events.slice(this.#next, this.#next + max) : []
      if (events.length > 0) return events.map((event) => this.#deliver(event))
      await this.#wakeup.wait(signal)
    }
  }

  /** A foreign stream has one slot; there is nothing to assign. */
  async assign(): Promise<void> {}

  wakeUp(): void {
    this.#wakeup.wake()
  }

  /** A newer holder has taken over. */
  fence(): void {
    if (this.#fenced === 'no') this.#fenced = 'untold'
    this.#wakeup.wake()
  }

  stop(): void {
    this.#stopped = true
    this.#wakeup.wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
  }

  #deliver(event: ForeignEvent): Delivery<ForeignEvent> {
    const ticket: Ticket = this.#acks.handOut(this.#next++)
    const ack = async (): Promise<void> => {
      if (this.#fenced !== 'no') throw this.#fencedError()
      if (this.#acks.ack(ticket)) this.#onAcked((this.#acks.prefix ?? 0) + 1)
    }
    return { event, topic: this.#name, slot: 0, redelivered: false, ack }
  }

  #fencedError(): Fenced {
    return new Fenced(`connector ${JSON.stringify(this.#name)} has a newer holder; take the role anew`, { details: { slots: [0] } })
  }
}
