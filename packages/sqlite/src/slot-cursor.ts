import { Fenced } from '@workflow/core/adapter'
import type { Batch } from './batch.ts'
import type { Claimed, StoredLanes } from './cursor.ts'

/** An event that a receiver holds, handed out or not. */
export interface Pending {
  readonly id: number
  acked: boolean
}

/** The events of one topic in one slot that a receiver has read and that are not acknowledged, in order. */
export class Lane {
  readonly slot: SlotCursor
  readonly topic: string
  /** The newest event that was read into this lane; what is older has been read. */
  last: number
  /** Acknowledged before this claim, out of order. */
  readonly beyond: Set<number>
  #pending: Pending[] = []
  #head = 0

  constructor(slot: SlotCursor, topic: string, [position, ...beyond]: readonly [number, ...number[]]) {
    this.slot = slot
    this.topic = topic
    this.last = position
    this.beyond = new Set(beyond)
  }

  get oldestOpen(): number | undefined {
    return this.#pending[this.#head]?.id
  }

  push(pending: Pending): void {
    this.#pending.push(pending)
    this.last = pending.id
  }

  ack(pending: Pending): void {
    pending.acked = true
    while (this.#pending[this.#head]?.acked === true) this.#head++
    if (this.#head > 512 && this.#head * 2 > this.#pending.length) {
      this.#pending = this.#pending.slice(this.#head)
      this.#head = 0
    }
  }

  /** How this lane is stored, given that its topic has been read through `through`; undefined when it is where the slot is. */
  stored(through: number | undefined): readonly [number, ...number[]] | undefined {
    const open = this.oldestOpen
    if (open === undefined && through === undefined && this.beyond.size === 0) return undefined
    const position = open === undefined ? Math.max(through ?? this.last, this.last) : open - 1
    const beyond = [...this.beyond].filter((id) => id > position)
    for (let i = this.#head; i < this.#pending.length; i++) {
      const pending = this.#pending[i]
      if (pending?.acked === true) beyond.push(pending.id)
    }
    if (open === undefined && through === undefined && beyond.length === 0) return undefined
    return [position, ...beyond]
  }
}

/** One slot of a durable receiver: the claim, its lanes, and the acknowledgements that wait to be written. */
export class SlotCursor {
  readonly claimed: Claimed
  readonly lanes: Map<string, Lane> = new Map<string, Lane>()
  /** Given up, or taken by a newer holder. */
  lost = false
  readonly #receiver: number
  #waiting: PromiseWithResolvers<void> | undefined

  constructor(receiver: number, claimed: Claimed, topics: Iterable<string>) {
    this.#receiver = receiver
    this.claimed = claimed
    for (const topic of topics) this.lanes.set(topic, new Lane(this, topic, claimed.lanes[topic] ?? [claimed.position]))
  }

  get slot(): number {
    return this.claimed.claim.slot
  }

  /** Resolves at the next flush; one promise for all that wait for it. */
  waitForFlush(): Promise<void> {
    if (this.lost) return Promise.reject(this.fenced())
    if (this.#waiting === undefined) {
      this.#waiting = Promise.withResolvers<void>()
      // Whoever does not wait for an acknowledgement must not find an unhandled rejection.
      this.#waiting.promise.catch(() => undefined)
    }
    return this.#waiting.promise
  }

  /** What waits for the next flush; nothing if everything is written. */
  get waiting(): Promise<void> | undefined {
    return this.#waiting?.promise
  }

  /** Writes the cursor, if it is still ours, and answers what to do after the commit. `through` tells where a topic that is behind has been read to. */
  flush(batch: Batch, position: number, through: (topic: string) => number | undefined): () => void {
    // What is not among our topics is kept as it was found.
    const lanes: Record<string, StoredLanes[string]> = { ...this.claimed.lanes }
    for (const [topic, lane] of this.lanes) {
      const stored = lane.stored(through(topic))
      if (stored === undefined) delete lanes[topic]
      else lanes[topic] = stored
    }
    const changes = batch.connection.run(
      'UPDATE {cursor} SET position = ?, lanes = ? WHERE receiver = ? AND slot = ? AND epoch = ?',
      Math.max(position, this.claimed.position),
      JSON.stringify(lanes),
      this.#receiver,
      this.slot,
      this.claimed.epoch,
    )
    return () => {
      if (changes === 0) this.lose()
      else this.#settle((waiting) => waiting.resolve())
    }
  }

  /** The slot is no longer ours: whoever waits for an acknowledgement hears it. */
  lose(): void {
    this.lost = true
    this.#settle((waiting) => waiting.reject(this.fenced()))
  }

  fenced(): Fenced {
    return new Fenced(
      `slot ${this.slot} of role ${JSON.stringify(this.claimed.claim.fence.role)} has another holder: stop, and ask for the role again`,
      { details: { slots: [this.slot] } },
    )
  }

  #settle(how: (waiting: PromiseWithResolvers<void>) => void): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) how(waiting)
  }
}
