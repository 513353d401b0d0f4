import { Fifo } from '../adapter/fifo.ts'
import { Fenced } from '../errors.ts'
import type { Delivery } from '../ports/event-streamer.ts'
import type { RunEvent } from '../model/run-event.ts'
import { chunkSize, type Follower, type LogReader, type Pin, type SlotLog } from './slot-log.ts'

interface Outstanding {
  acked: boolean
}

/** The reader that a cursor serves. */
export interface CursorOwner {
  /** The cursor has something to hand out. Not called again until it was read to the end. */
  readonly onReady: (cursor: Cursor) => void
}

const done: Promise<void> = Promise.resolve()
const acknowledgeNothing = (): Promise<void> => done

/**
 * How far one receiver is with one topic and slot. Lives as long as its receiver is known; who reads from it changes.
 * Moves over the acknowledged prefix only, so that a new owner begins with the oldest event that was not acknowledged.
 */
export class Cursor implements Follower, Pin {
  readonly log: SlotLog
  /** Whether events must be acknowledged. Without that, handing one out is enough. */
  readonly #durable: boolean
  /** Everything before it is acknowledged. */
  #committed: number
  /** Beyond it nothing has ever been handed out. */
  #handedOut: number
  #owner: CursorOwner | undefined
  #reader: LogReader | undefined
  /** Grows whenever the owner goes, so that acknowledgements of its deliveries are recognised as late. */
  #term = 0
  #outstanding = new Fifo<Outstanding>()
  /** Whether the owner knows that there is something to read. */
  #ready = false
  /** Acknowledgements beyond the prefix. */
  #ackedAhead = 0

  constructor(log: SlotLog, position: number, durable: boolean) {
    this.log = log
    this.#durable = durable
    this.#committed = position
    this.#handedOut = position
    log.pins.add(this)
  }

  get pinned(): number {
    return this.#committed
  }

  /** How many events are not acknowledged. */
  get lag(): number {
    return this.log.end - this.#committed - this.#ackedAhead
  }

  get owner(): CursorOwner | undefined {
    return this.#owner
  }

  /** From now on `owner` reads, from the oldest event that is not acknowledged. */
  attach(owner: CursorOwner): void {
    this.detach()
    this.#owner = owner
    this.#reader = this.log.readFrom(this.#committed)
    this.log.followers.add(this)
    this.onAppend()
  }

  /** Gives back what is not acknowledged. Acknowledgements that come later are refused. */
  detach(): void {
    if (this.#owner === undefined) return
    this.#owner = undefined
    this.#reader = undefined
    this.#term++
    this.#outstanding = new Fifo()
    this.#ackedAhead = 0
    this.#ready = false
    this.log.followers.delete(this)
  }

  /** Forgets the cursor: it pins nothing any more. */
  remove(): void {
    this.detach()
    this.log.pins.delete(this)
    this.log.trim()
  }

  onAppend(): void {
    if (this.#ready || this.#reader === undefined || this.#reader.position === this.log.end) return
    this.#ready = true
    this.#owner?.onReady(this)
  }

  /** Hands out at most `max` events. Answers whether there are more. */
  take(max: number, into: Delivery<RunEvent>[]): boolean {
    const reader = this.#reader
    if (reader === undefined) return false
    for (let taken = 0; taken < max; taken++) {
      const event = reader.next()
      if (event === undefined) {
        this.#ready = false
        return false
      }
      into.push(this.#deliver(event, reader.position))
    }
    this.#ready = reader.position < this.log.end
    return this.#ready
  }

  #deliver(event: RunEvent, after: number): Delivery<RunEvent> {
    const { topic, slot } = this.log
    if (!this.#durable) {
      this.#moveTo(after)
      return { event, topic, slot, redelivered: false, ack: acknowledgeNothing }
    }
    const redelivered = after <= this.#handedOut
    if (!redelivered) this.#handedOut = after
    const outstanding: Outstanding = { acked: false }
    this.#outstanding.push(outstanding)
    const term = this.#term
    return { event, topic, slot, redelivered, ack: () => this.#ack(outstanding, term) }
  }

  #ack(outstanding: Outstanding, term: number): Promise<void> {
    if (outstanding.acked) return done
    if (term !== this.#term) return Promise.reject(this.#fenced())
    outstanding.acked = true
    this.#ackedAhead++
    while (this.#outstanding.peek()?.acked === true) {
      this.#outstanding.shift()
      this.#ackedAhead--
      this.#moveTo(this.#committed + 1)
    }
    return done
  }

  #moveTo(position: number): void {
    this.#committed = position
    // Only whole chunks are forgotten, so looking once per chunk is enough.
    if (position % chunkSize === 0) this.log.trim()
  }

  #fenced(): Fenced {
    return new Fenced(
      `slot ${this.log.slot} of topic ${JSON.stringify(this.log.topic)} was given to another receiver; drop the work on its events`,
      { details: { topic: this.log.topic, slot: this.log.slot, slots: [this.log.slot] } },
    )
  }
}
