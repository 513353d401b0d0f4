/** Where a receiver stands in one slot: what it has looked at, what it holds, and what waits to be written. */
import { Fenced, Fifo } from '@workflow/core/adapter'
import type { Claimed, CursorRow, StoredLane } from './cursor.ts'
import type { LogEntry } from './log-entry.ts'

/** An event in a receiver's hands. */
export interface Pending {
  readonly id: number
  acked: boolean
  /** Whether it has left the buffer. */
  readonly handedOut: boolean
}

/** The events of one topic in one slot. */
export class Lane {
  readonly slot: SlotCursor
  readonly topic: string
  /** Everything up to here was looked at when the slot was claimed, but for the slot's holes. */
  readonly #initial: number
  /** Everything up to here has been looked at since. */
  last: number
  /** Not acknowledged. */
  readonly #open = new Set<Pending>()
  /** In the order of their ids, the ones that were handed out among them. */
  readonly #ordered = new Fifo<Pending>()
  /** Taken while the slot had holes: what is in one may be met twice. */
  readonly #fromHoles = new Set<number>()

  constructor(slot: SlotCursor, topic: string, position: number) {
    this.slot = slot
    this.topic = topic
    this.#initial = position
    this.last = position
  }

  /**
   * Whether this lane still lacks an event that is offered to it. `through` is where its topic has been looked at, while
   * it is behind; `targeted` says that the event is only for those whose slot has its batch among its holes.
   */
  lacks(entry: LogEntry, through: number | undefined, targeted: boolean): boolean {
    const seen = through === undefined ? Infinity : Math.max(through, this.last)
    // What lies ahead of somebody who is behind is found when the table is read there.
    if (entry.late && entry.id > seen) return false
    if (this.slot.holes.has(entry.batch)) return !this.#fromHoles.has(entry.id)
    if (targeted) return false
    return entry.late ? entry.id > this.#initial : entry.id > this.last
  }

  push(delivery: Pending): void {
    this.#open.add(delivery)
    if (delivery.id > this.last) {
      this.last = delivery.id
      this.#ordered.push(delivery)
    }
    if (this.slot.holes.size > 0) this.#fromHoles.add(delivery.id)
  }

  ack(delivery: Pending): void {
    delivery.acked = true
    this.#open.delete(delivery)
  }

  /** How this lane is stored, given up to where its topic has been looked at; undefined when it is where the slot is. */
  stored(through: number, position: number): StoredLane | undefined {
    while (this.#ordered.peek()?.handedOut === true) this.#ordered.shift()
    const next = this.#ordered.peek()
    // What was not handed out yet is simply read again.
    const end = next === undefined ? through : Math.min(through, next.id - 1)
    const open: number[] = []
    for (const delivery of this.#open) if (delivery.handedOut || delivery.id <= end) open.push(delivery.id)
    if (end >= position && open.length === 0) return undefined
    return [Math.min(end, position), ...open]
  }
}

/** One slot of a durable receiver. */
export class SlotCursor {
  readonly claimed: Claimed
  readonly receiver: number
  readonly lanes: Map<string, Lane> = new Map<string, Lane>()
  /** Batches below the position that were open when the slot was claimed, and that nobody has looked into yet. */
  readonly holes: Set<number> = new Set<number>()
  /** Given up, or taken by a newer holder. */
  lost = false
  /** Something is to be written. */
  dirty = false
  #waiting: PromiseWithResolvers<void> | undefined
  #flushing: PromiseWithResolvers<void> | undefined

  constructor(receiver: number, claimed: Claimed, topics: Iterable<string>) {
    this.receiver = receiver
    this.claimed = claimed
    for (const topic of topics) this.lanes.set(topic, new Lane(this, topic, claimed.lanes[topic]?.[0] ?? claimed.position))
  }

  get slot(): number {
    return this.claimed.claim.slot
  }

  /** Resolves at the next flush; one promise for all that wait for it. */
  waitForFlush(): Promise<void> {
    if (this.lost) return Promise.reject(this.fenced())
    this.dirty = true
    if (this.#waiting === undefined) {
      this.#waiting = Promise.withResolvers<void>()
      // Whoever does not wait for an acknowledgement must not find an unhandled rejection.
      this.#waiting.promise.catch(() => undefined)
    }
    return this.#waiting.promise
  }

  /** What waits for a flush; nothing if everything is written. */
  get waiting(): Promise<void> | undefined {
    return this.#waiting?.promise ?? this.#flushing?.promise
  }

  /** What to write, as of now. Whoever waits is told by `flushed`, `notFlushed` or `lose`. */
  row(position: number, holes: readonly number[], through: (topic: string) => number): CursorRow {
    // What is not among our topics is kept as it was found.
    const lanes: Record<string, StoredLane> = { ...this.claimed.lanes }
    const end = Math.max(position, this.claimed.position)
    for (const [topic, lane] of this.lanes) {
      const stored = lane.stored(Math.max(through(topic), lane.last), end)
      if (stored === undefined) delete lanes[topic]
      else lanes[topic] = stored
    }
    this.dirty = false
    // Rows are written one after the other: the one before has been settled.
    this.#flushing = this.#waiting
    this.#waiting = undefined
    const { receiver, slot, claimed } = this
    return {
      receiver,
      slot,
      epoch: claimed.epoch,
      position: end,
      holes: [...new Set([...holes, ...this.holes])],
      lanes: JSON.stringify(lanes),
    }
  }

  /** The last row is in the database. */
  flushed(): void {
    this.#settle((waiting) => waiting.resolve())
  }

  /** The last row may not be in the database: the next one says the same and more. */
  notFlushed(): void {
    this.dirty = true
    const flushing = this.#flushing
    this.#flushing = undefined
    if (flushing === undefined) return
    if (this.#waiting === undefined) this.#waiting = flushing
    else void this.#waiting.promise.then(flushing.resolve, flushing.reject)
  }

  /** The slot is no longer ours: whoever waits for an acknowledgement hears it. */
  lose(): void {
    this.lost = true
    this.dirty = false
    this.#settle((waiting) => waiting.reject(this.fenced()))
    this.#flushing = this.#waiting
    this.#waiting = undefined
    this.#settle((waiting) => waiting.reject(this.fenced()))
  }

  fenced(): Fenced {
    return new Fenced(
      `slot ${this.slot} of role ${JSON.stringify(this.claimed.claim.fence.role)} has another holder: stop, and ask for the role again`,
      { details: { slots: [this.slot] } },
    )
  }

  #settle(how: (waiting: PromiseWithResolvers<void>) => void): void {
    const flushing = this.#flushing
    this.#flushing = undefined
    if (flushing !== undefined) how(flushing)
  }
}
