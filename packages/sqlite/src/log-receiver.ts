/**
 * Reads the log for one receiver. Each topic has a bounded buffer: while the topic is live, committed events are pushed
 * into it; when it is full the topic falls behind alone, and is read from the table once there is room again. Events of
 * a topic that nobody takes cost nothing but that.
 */
import {
  assertReceive,
  Fenced,
  Fifo,
  InvalidArgument,
  Stopped,
  Wakeup,
  type EventReceiver,
  type ReceiveOptions,
  type RunEvent,
  type SlotClaim,
} from '@workflow/core/adapter'
import type { Batch } from './batch.ts'
import { claimCursor, type Claimed } from './cursor.ts'
import { everyTopic, type EventLog, type LogReader } from './event-log.ts'
import type { LogEntry } from './log-entry.ts'
import type { Session } from './session.ts'
import { RunDelivery } from './run-delivery.ts'
import { SlotCursor } from './slot-cursor.ts'

export interface LogReceiverOptions {
  readonly session: Session
  /** Keeps the session open while this receiver lives. */
  readonly user: object
  /** Absent: ephemeral, reads every slot from `start`. */
  readonly receiver?: number
  readonly topics: readonly string[]
  /** Only events of this workflow, where the topics do not say so. */
  readonly workflowName?: string
  readonly start: number
  readonly onEnd: () => void
}

interface Topic {
  readonly name: string
  readonly buffer: Fifo<RunDelivery>
  /** Every event up to here was looked at, while the topic is not live. */
  through: number | undefined
}

/** So many events of one topic are kept in memory; the rest stays in the table. */
const bufferMax = 4_096
/** One scan looks at so many ids, and takes so many events. */
const scanIds = 20_000
const scanEvents = 1_000

export class LogReceiver implements LogReader, EventReceiver<RunEvent> {
  readonly topics: readonly string[]
  readonly #options: LogReceiverOptions
  readonly #log: EventLog
  readonly #buffers: ReadonlyMap<string, Topic>
  readonly #slots = new Map<number, SlotCursor>()
  readonly #wakeup = new Wakeup()
  #fenced: number[] = []
  #turn = 0
  #stopped = false
  #receiving = false

  constructor(options: LogReceiverOptions) {
    this.#options = options
    this.#log = options.session.log
    this.topics = options.topics
    this.#buffers = new Map(options.topics.map((name) => [name, { name, buffer: new Fifo<RunDelivery>(), through: undefined }]))
  }

  /** Joins the log. `claimed` are the cursors that were just taken over. */
  start(claimed: readonly Claimed[]): void {
    const log = this.#log
    log.add(this)
    if (this.#options.receiver === undefined && this.#options.start < log.position) {
      for (const topic of this.#buffers.values()) topic.through = this.#options.start
    }
    this.#take(claimed)
  }

  readonly offer = (name: string, entry: LogEntry): void => {
    const topic = this.#buffers.get(name)
    if (topic === undefined || topic.through !== undefined) return
    if (topic.buffer.length >= bufferMax) {
      topic.through = entry.id - 1
      return
    }
    if (this.#push(topic, entry)) this.#wakeup.wake()
  }

  readonly flush = (batch: Batch): (() => void) | undefined => {
    const { position } = this.#log
    const done = [...this.#slots.values()].map((slot) => slot.flush(batch, position, (topic) => this.#buffers.get(topic)?.through))
    return () => {
      for (const callback of done) callback()
      this.#dropLost()
    }
  }

  readonly checkClaims = (): void => {
    const { session, receiver, user } = this.#options
    if (receiver === undefined || this.#slots.size === 0) return
    void session
      .read(
        user,
        (connection) => new Map(connection.raw<[number, number]>('SELECT slot, epoch FROM {cursor} WHERE receiver = ?', receiver)),
      )
      .then((epochs) => {
        for (const [number, slot] of this.#slots) if (epochs.get(number) !== slot.claimed.epoch) slot.lose()
        this.#dropLost()
      })
      // The next acknowledgement finds out.
      .catch(() => undefined)
  }

  readonly receive = async (options: ReceiveOptions): Promise<readonly RunDelivery[]> => {
    assertReceive(options, { receiving: this.#receiving })
    const { max, except, signal } = options
    this.#receiving = true
    try {
      for (;;) {
        this.#throwIfOver(signal)
        const more = await this.#options.session.read(this.#options.user, () => this.#scan(except))
        this.#throwIfOver(signal)
        const deliveries = this.#collect(max, except)
        if (deliveries.length > 0) return deliveries
        if (more) await new Promise<void>((resolve) => void setImmediate(resolve))
        else await this.#wakeup.wait(signal)
      }
    } finally {
      this.#receiving = false
    }
  }

  readonly assign = async (claims: readonly SlotClaim[]): Promise<void> => {
    const { session, receiver, user, topics } = this.#options
    if (receiver === undefined) throw new InvalidArgument('an ephemeral receiver reads every slot and takes no claims')
    if (this.#stopped) throw this.#over()
    const wanted = new Map(claims.map((claim) => [claim.slot, claim]))
    const going = [...this.#slots.values()].filter(
      ({
        slot,
        claimed: {
          claim: { fence },
        },
      }) => {
        const next = wanted.get(slot)?.fence
        return next === undefined || next.token !== fence.token || next.domain !== fence.domain || next.role !== fence.role
      },
    )
    const coming = [...wanted.values()].filter(({ slot }) => !this.#slots.has(slot) || going.some((other) => other.slot === slot))
    const given = new Set(topics)
    // Gone at once: nothing of them is handed out while the cursors change hands. From here on the log goes past their
    // events without telling them, so their cursors end at what was read until now, however long the write has to wait.
    for (const { slot } of going) this.#slots.delete(slot)
    const { position } = this.#log
    const through = new Map(Array.from(this.#buffers.values(), (topic) => [topic.name, topic.through]))
    const outcome = await session
      .write(user, (batch) => {
        // What was acknowledged before must not come again because the slot moves on.
        const done = going.map((slot) => slot.flush(batch, position, (topic) => through.get(topic)))
        return { done, claimed: coming.map((claim) => claimCursor(batch, receiver, claim, given)) }
      })
      .catch((error: unknown) => {
        this.#putBack(going)
        throw error
      })
    for (const callback of outcome.done) callback()
    for (const slot of going) slot.lose()
    const claimed = outcome.claimed.filter((one) => one !== undefined)
    if (this.#stopped) throw this.#over()
    this.#take(claimed)
    const refused = coming.filter((_, i) => outcome.claimed[i] === undefined).map(({ slot }) => slot)
    if (refused.length > 0) throw fencedSlots(refused)
  }

  readonly [Symbol.asyncDispose] = async (): Promise<void> => {
    if (this.#stopped) return
    this.#stopped = true
    const { session, user, receiver, onEnd } = this.#options
    this.#wakeup.wake()
    onEnd()
    try {
      if (receiver !== undefined && [...this.#slots.values()].some((slot) => slot.waiting !== undefined)) {
        const after = await session.write(user, (batch) => this.flush(batch))
        after?.()
      }
    } catch {
      // Those who wait for their acknowledgement are told below; a cursor that was not written delivers again.
    }
    this.#log.remove(this)
    for (const slot of this.#slots.values()) slot.lose()
  }

  #take(claimed: readonly Claimed[]): void {
    const { receiver } = this.#options
    if (receiver === undefined) return
    this.#putBack(claimed.map((one) => new SlotCursor(receiver, one, this.#buffers.keys())))
    if (claimed.length > 0) this.#wakeup.wake()
  }

  /** Reads these slots from where their lanes are. */
  #putBack(slots: readonly SlotCursor[]): void {
    const log = this.#log
    for (const slot of slots) {
      this.#slots.set(slot.slot, slot)
      for (const [name, lane] of slot.lanes) {
        const topic = this.#buffers.get(name)
        if (topic !== undefined && lane.last < log.position) topic.through = Math.min(topic.through ?? lane.last, lane.last)
      }
    }
  }

  #push(topic: Topic, entry: LogEntry): boolean {
    const { receiver, workflowName } = this.#options
    if (workflowName !== undefined && entry.event.workflowName !== workflowName) return false
    if (receiver === undefined) {
      topic.buffer.push(new RunDelivery(entry, topic.name, undefined, this.#ack))
      return true
    }
    const lane = this.#slots.get(entry.slot)?.lanes.get(topic.name)
    if (lane === undefined || entry.id <= lane.last) return false
    const delivery = new RunDelivery(entry, topic.name, lane, this.#ack)
    lane.push(delivery)
    if (lane.beyond.delete(entry.id)) {
      lane.ack(delivery)
      return false
    }
    topic.buffer.push(delivery)
    return true
  }

  /** Reads what topics that are behind have missed, one step. Answers whether there is more to read at once. */
  #scan(except: ReadonlySet<string> | undefined): boolean {
    const log = this.#log
    const hungry = new Map<string, Topic>()
    let from = log.position
    for (const topic of this.#buffers.values()) {
      if (topic.through === undefined || except?.has(topic.name) === true || topic.buffer.length > bufferMax / 2) continue
      hungry.set(topic.name, topic)
      from = Math.min(from, topic.through)
    }
    if (hungry.size === 0) return false
    let to = Math.min(log.position, from + scanIds)
    const entries = log.scan(from, to, (name) => hungry.has(name), scanEvents)
    if (entries.length === scanEvents) to = entries.at(-1)?.id ?? to
    for (const entry of entries) {
      for (const name of hungry.has(everyTopic) ? [everyTopic] : entry.topics) {
        const topic = hungry.get(name)
        if (topic !== undefined && entry.id > (topic.through ?? 0)) this.#push(topic, entry)
      }
    }
    for (const topic of hungry.values()) {
      const through = Math.max(topic.through ?? 0, to)
      topic.through = through >= log.position ? undefined : through
    }
    return to < log.position
  }

  #collect(max: number, except: ReadonlySet<string> | undefined): RunDelivery[] {
    const topics = [...this.#buffers.values()].filter(({ name, buffer }) => buffer.length > 0 && except?.has(name) !== true)
    const deliveries: RunDelivery[] = []
    const share = Math.max(1, Math.ceil(max / Math.max(1, topics.length)))
    // Topics take turns, so that a full one leaves room for the others.
    for (
      let rest = topics, first = this.#turn++;
      rest.length > 0 && deliveries.length < max;
      rest = rest.filter(({ buffer }) => buffer.length > 0)
    ) {
      for (let i = 0; i < rest.length; i++) {
        const topic = rest[(first + i) % rest.length]
        if (topic !== undefined) this.#takeFrom(topic, Math.min(share, max - deliveries.length), deliveries)
      }
    }
    return deliveries
  }

  #takeFrom({ buffer }: Topic, count: number, deliveries: RunDelivery[]): void {
    for (let left = count; left > 0; ) {
      const delivery = buffer.shift()
      if (delivery === undefined) return
      // Its slot may have been given up while it waited here.
      if (delivery.lane !== undefined && this.#slots.get(delivery.slot) !== delivery.lane.slot) continue
      deliveries.push(delivery)
      left--
    }
  }

  readonly #ack = (delivery: RunDelivery): Promise<void> => {
    const { lane } = delivery
    if (lane === undefined) return Promise.resolve()
    const { slot } = lane
    if (slot.lost) return Promise.reject(slot.fenced())
    if (delivery.acked) return slot.waiting ?? Promise.resolve()
    lane.ack(delivery)
    this.#log.dirty(this)
    return slot.waitForFlush()
  }

  #dropLost(): void {
    for (const [number, slot] of this.#slots) {
      if (!slot.lost) continue
      this.#slots.delete(number)
      this.#fenced.push(number)
    }
    if (this.#fenced.length > 0) this.#wakeup.wake()
  }

  #throwIfOver(signal: AbortSignal): void {
    if (this.#stopped) throw this.#over()
    signal.throwIfAborted()
    if (this.#fenced.length > 0) throw fencedSlots(this.#fenced.splice(0))
  }

  #over(): Stopped {
    return new Stopped('this receiver has ended; open a new one')
  }
}

/** A claim, or a slot, that belongs to a newer holder. */
export function fencedSlots(slots: readonly number[]): Fenced {
  return new Fenced(`a newer holder has taken slot ${slots.join(', ')}: stop, and ask for the role again`, { details: { slots } })
}
