/** One topic of some slots of a receiver, read by one consumer: a topic that nobody wants now is simply not pulled. */
import { type Logger, loggableError } from '@workflow/core/adapter'
import { endOf, placeOf, seqAfter } from './event-pack.ts'
import type { Link } from './session.ts'
import type { Claimed, Lane } from './slot-cursor.ts'
import { Tail, type TailMessage } from './tail.ts'

/** What a stream is like now. */
export interface StreamFacts {
  readonly firstSeq: number
  readonly lastSeq: number
  /** When it was created. */
  readonly created: string
}

/** What a receiver's stream holds, and how it is read. */
export interface Source<E> {
  readonly stream: string
  /** The subjects to read for slots of a topic; all slots where none are given. */
  readonly filters: (topic: string, slots: readonly number[] | undefined) => readonly string[]
  /** The slot of a message; undefined for a mark of the time, which has no events. */
  readonly slotOf: (message: TailMessage) => number | undefined
  /** The events of a message. What it throws makes the message a poison one. */
  readonly decode: (message: TailMessage) => readonly E[]
}

export interface FeedOptions<E> {
  readonly link: Link
  readonly source: Source<E>
  readonly topic: string
  /** Undefined: all slots, and nothing to acknowledge. */
  readonly lanes: ReadonlyMap<number, Lane> | undefined
  /** Where to begin where there are no lanes. */
  readonly place: number
  readonly logger: Logger
  /** The stream cannot be read just now. */
  readonly onTrouble: (error: unknown) => void
  readonly onEvent: (event: E, topic: string, slot: number, place: number, lane: Lane | undefined) => void
  /** All of a message has been told. `tick`: it was a mark of the time. */
  readonly onMessage: (message: TailMessage, tick: boolean) => void
}

export class Feed<E> {
  readonly topic: string
  readonly lanes: Map<number, Lane> | undefined
  readonly #options: FeedOptions<E>
  readonly #tail: Tail
  /** Everything of ours up to here has been read. */
  read: number
  /** What `read` was when the stream was looked at last. */
  readBefore: number
  /** Whether nothing waits to be read, as far as is known. */
  atEnd = true

  constructor(options: FeedOptions<E>) {
    this.#options = options
    this.topic = options.topic
    this.lanes = options.lanes === undefined ? undefined : new Map(options.lanes)
    this.read = this.lanes === undefined ? options.place : Math.min(...Array.from(this.lanes.values(), ({ read }) => read))
    this.readBefore = this.read
    const { link, source, onTrouble } = options
    this.#tail = new Tail({
      link,
      stream: source.stream,
      filters: () => source.filters(this.topic, this.lanes === undefined ? undefined : [...this.lanes.keys()]),
      from: () => seqAfter(this.read),
      onMessage: (message) => this.#take(message),
      onStart: (pending) => {
        this.atEnd = pending === 0
      },
      onTrouble,
    })
    this.#tail.restart()
  }

  pause(): void {
    this.#tail.pause()
  }

  resume(): void {
    this.#tail.resume()
  }

  restart(): void {
    this.#tail.restart()
  }

  beat(): void {
    this.#tail.beat()
  }

  /** Reads a slot no more. Answers whether there are others. */
  remove(slot: number): boolean {
    if (this.lanes?.delete(slot) === true && this.lanes.size > 0) this.#tail.restart()
    return this.lanes === undefined || this.lanes.size > 0
  }

  close(): Promise<void> {
    return this.#tail.close()
  }

  #take(message: TailMessage): void {
    const { source, onMessage } = this.#options
    const slot = source.slotOf(message)
    this.read = Math.max(this.read, endOf(message.seq))
    this.atEnd = message.pending === 0
    if (slot === undefined) for (const lane of this.lanes?.values() ?? []) lane.read = Math.max(lane.read, endOf(message.seq))
    else this.#tell(message, slot)
    onMessage(message, slot === undefined)
  }

  #tell(message: TailMessage, slot: number): void {
    const { source, topic, logger, onEvent } = this.#options
    const lane = this.lanes?.get(slot)
    if (this.lanes !== undefined && lane === undefined) return
    let events: readonly E[] = []
    try {
      events = source.decode(message)
    } catch (error) {
      logger.error(
        { stream: source.stream, subject: message.subject, sequence: message.seq, error: loggableError(error) },
        'a message cannot be read; leaving it out',
      )
    }
    for (const [index, event] of events.entries()) {
      const place = placeOf(message.seq, index)
      if (place > (lane?.read ?? 0)) onEvent(event, topic, slot, place, lane)
    }
    if (lane !== undefined) lane.read = Math.max(lane.read, endOf(message.seq))
  }
}

/** Whether a cursor stands behind what a stream was said to have. */
export function isAhead({ record, replaced }: Claimed, { lastSeq }: StreamFacts): boolean {
  return !replaced && Object.values(record.lanes).some((place) => place > endOf(lastSeq))
}

/** Where to read a lane from, given where its cursor stands. */
export function startOf(place: number, replaced: boolean, { firstSeq, lastSeq }: StreamFacts): number {
  if (replaced) return endOf(firstSeq - 1)
  if (place > endOf(lastSeq)) return endOf(lastSeq)
  return Math.max(place, endOf(firstSeq - 1))
}
