import type { Delivery } from '@workflow/core/adapter'
import type { Lane } from './slot-cursor.ts'

const done: Promise<void> = Promise.resolve()

/** An event in a receiver's hands: buffered first, then handed out as it is. One object per event, because there are many. */
export class HandedOut<E> implements Delivery<E> {
  readonly event: E
  readonly topic: string
  readonly slot: number
  readonly redelivered: boolean
  /** Absent for receivers that keep no place. */
  readonly lane: Lane | undefined
  readonly #ticket: number
  readonly #acked: (lane: Lane) => Promise<void>

  constructor(event: E, topic: string, slot: number, place: number, lane: Lane | undefined, acked: (lane: Lane) => Promise<void>) {
    this.event = event
    this.topic = topic
    this.slot = slot
    this.lane = lane
    this.redelivered = lane !== undefined && place <= lane.seenBefore
    this.#ticket = lane?.acks.handOut(place) ?? 0
    this.#acked = acked
  }

  /** Whether its slot is still ours. */
  get isWanted(): boolean {
    return this.lane === undefined || this.lane.cursor.isHeld
  }

  /** A function of its own, which works apart from the delivery; made when it is asked for. */
  get ack(): () => Promise<void> {
    return () => this.#acknowledge()
  }

  #acknowledge(): Promise<void> {
    const { lane } = this
    if (lane === undefined) return done
    if (lane.cursor.isHeld) lane.acks.ack(this.#ticket)
    return this.#acked(lane)
  }
}
