import type { RunEvent } from '../model/run-event.ts'

/** Events per chunk. Chunks begin at multiples of it. */
export const chunkSize = 256

interface Chunk {
  /** Position of the first event. */
  readonly base: number
  readonly events: RunEvent[]
  readonly sentAtMs: number[]
  next: Chunk | undefined
}

/** Whoever reads a log, or will: what it still needs is kept. */
export interface Pin {
  /** Everything before this position may be forgotten. */
  readonly pinned: number
}

/** Whoever wants to know that a log has grown. */
export interface Follower {
  readonly onAppend: () => void
}

/**
 * The events of one topic and slot, in order. Positions count from 0 and never change. A linked list of chunks: it
 * grows and shrinks without ever being copied.
 */
export class SlotLog {
  readonly topic: string
  readonly slot: number
  readonly pins: Set<Pin> = new Set()
  readonly followers: Set<Follower> = new Set()
  #oldest: Chunk = { base: 0, events: [], sentAtMs: [], next: undefined }
  #newest: Chunk = this.#oldest
  /** How many events stay after everybody has read them; infinite until the topic is laid out, because its readers are not known before. */
  #retained = Number.POSITIVE_INFINITY

  constructor(topic: string, slot: number) {
    this.topic = topic
    this.slot = slot
  }

  /** Position of the oldest event there is. */
  get start(): number {
    return this.#oldest.base
  }

  /** Position of the next event to come. */
  get end(): number {
    return this.#newest.base + this.#newest.events.length
  }

  append(event: RunEvent, nowMs: number): void {
    if (this.#newest.events.length === chunkSize) {
      const chunk: Chunk = { base: this.end, events: [], sentAtMs: [], next: undefined }
      this.#newest.next = chunk
      this.#newest = chunk
      this.trim()
    }
    this.#newest.events.push(event)
    this.#newest.sentAtMs.push(nowMs)
    for (const follower of this.followers) follower.onAppend()
  }

  /** From now on forgets what everybody has read, except for the last `events`. */
  retain(events: number): void {
    this.#retained = events
    this.trim()
  }

  /** Forgets whole chunks that nobody needs. */
  trim(): void {
    let needed = this.end - this.#retained
    for (const pin of this.pins) needed = Math.min(needed, pin.pinned)
    while (this.#oldest.next !== undefined && this.#oldest.next.base <= needed) this.#oldest = this.#oldest.next
  }

  /** A reader that stands at `position`. */
  readFrom(position: number): LogReader {
    let chunk = this.#oldest
    while (chunk.next !== undefined && chunk.next.base <= position) chunk = chunk.next
    return new LogReader(chunk, position)
  }

  /** The position of the first event that was sent at or after a time. */
  positionAt(ms: number): number {
    for (let chunk: Chunk | undefined = this.#oldest; chunk !== undefined; chunk = chunk.next) {
      const index = chunk.sentAtMs.findIndex((sentAtMs) => sentAtMs >= ms)
      if (index >= 0) return chunk.base + index
    }
    return this.end
  }

  /** When the event at a position was sent; undefined where there is none. */
  sentAtMs(position: number): number | undefined {
    for (let chunk: Chunk | undefined = this.#oldest; chunk !== undefined; chunk = chunk.next) {
      if (position < chunk.base + chunk.events.length) return chunk.sentAtMs[position - chunk.base]
    }
    return undefined
  }
}

/** A place in a log, moving forward. */
export class LogReader {
  #chunk: Chunk
  #position: number

  constructor(chunk: Chunk, position: number) {
    this.#chunk = chunk
    this.#position = position
  }

  get position(): number {
    return this.#position
  }

  /** The next event, or undefined at the end of the log. */
  next(): RunEvent | undefined {
    let index = this.#position - this.#chunk.base
    if (index === chunkSize && this.#chunk.next !== undefined) {
      this.#chunk = this.#chunk.next
      index = 0
    }
    const event = this.#chunk.events[index]
    if (event !== undefined) this.#position++
    return event
  }
}
