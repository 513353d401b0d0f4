import type { Delivery, RunEvent } from '@workflow/core/adapter'
import type { LogEntry } from './log-entry.ts'
import type { Lane, Pending } from './slot-cursor.ts'

/** An event in a receiver's hands: buffered first, then handed out as it is. One object per event, because there are many. */
export class RunDelivery implements Delivery<RunEvent>, Pending {
  acked = false
  /** Whether it has left the buffer. */
  handedOut = false
  readonly topic: string
  readonly redelivered: boolean
  /** Absent for ephemeral receivers. */
  readonly lane: Lane | undefined
  readonly #entry: LogEntry
  readonly #acknowledge: (delivery: RunDelivery) => Promise<void>

  constructor(entry: LogEntry, topic: string, lane: Lane | undefined, acknowledge: (delivery: RunDelivery) => Promise<void>) {
    this.#entry = entry
    this.topic = topic
    this.lane = lane
    this.#acknowledge = acknowledge
    const claimed = lane?.slot.claimed
    // A holder before us may have seen what was there when we came.
    this.redelivered = claimed?.known === true && entry.id <= claimed.head
  }

  get id(): number {
    return this.#entry.id
  }

  get slot(): number {
    return this.#entry.slot
  }

  get event(): RunEvent {
    return this.#entry.event
  }

  /** A function of its own, which works apart from the delivery; made when it is asked for. */
  get ack(): () => Promise<void> {
    return () => this.#acknowledge(this)
  }
}
