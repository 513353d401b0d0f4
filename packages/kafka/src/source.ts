/** One partition as one receiver reads it: what was fetched and not yet handed out, and what was handed out and acknowledged. */
import { ContiguousAcks, Fifo, type Ticket } from '@workflow/core/adapter'
import { partitionKey, type Fetched, type KafkaRecord, type Partition } from './driver.ts'

/** Fewer records than these in hand, and more are fetched. */
const lowMark = 500

/** Where a source reads, and what it is called. */
export interface SourceSpec {
  /** As deliveries name it. */
  readonly topic: string
  readonly slot: number
  readonly at: Partition
  /** Its name in cursors. */
  readonly name: string
}

/** A record by which a topic is known again. Its bytes are let go. */
export type Landmark = Pick<KafkaRecord, 'offset' | 'timestampMs'> & { readonly key: string }

export class Source {
  readonly spec: SourceSpec
  readonly key: string
  /** The broker to ask; `''` while there is none. */
  leader = ''
  /** Whether a fetch for it is under way. */
  busy = false
  /**
   * Why the topic may be another one by now, of the same name: it was missing, or a fetch was refused as it is by a broker that knows
   * of the new one already.
   */
  doubt: 'missing' | 'refused' | undefined
  #acks: ContiguousAcks<number> | undefined
  readonly #known: boolean
  #records = new Fifo<KafkaRecord>()
  /** The next offset to fetch. */
  #next: number
  /** The next offset to hand out, as far as that is known. */
  #after: number
  /** Before it, somebody may have had the events in hand. */
  #suspectedBefore = 0
  #seen = false
  #newest: Landmark | undefined
  #lost = false
  #era = 0

  /** @param known Whether somebody has read here before, so that events may come for a second time. */
  constructor(spec: SourceSpec, offset: number, mode: { readonly durable: boolean; readonly known: boolean }) {
    this.spec = spec
    this.key = partitionKey(spec.at)
    this.#next = offset
    this.#after = offset
    this.#known = mode.known
    this.#acks = mode.durable ? new ContiguousAcks() : undefined
  }

  /** The next offset to fetch. */
  get next(): number {
    return this.#next
  }

  /** The newest record that was fetched; undefined where there was none. */
  get newest(): Landmark | undefined {
    return this.#newest
  }

  /** How often the numbers of its offsets have begun anew, or were jumped over. */
  get era(): number {
    return this.#era
  }

  get wantsMore(): boolean {
    return !this.busy && this.doubt === undefined && this.leader !== '' && this.#records.length < lowMark
  }

  get hasRecords(): boolean {
    return this.#records.length > 0
  }

  /** Everything before it is acknowledged. */
  get position(): number {
    return this.#acks?.oldestOpen ?? this.#after
  }

  /** Takes what was fetched from `next` on. */
  accept({ records, next, end }: Fetched): void {
    if (!this.#seen && this.#known) this.#suspectedBefore = end
    this.#seen = true
    for (const record of records) {
      if (record.offset < this.#next) continue
      this.#records.push(record)
    }
    const last = records.at(-1)
    if (last !== undefined) this.#newest = { offset: last.offset, timestampMs: last.timestampMs, key: String(last.key) }
    this.#next = Math.max(this.#next, next)
    // Offsets without records, e.g. Kafka's own markers, are passed where nothing is left to be handed out before them.
    if (this.#records.length === 0) this.#after = Math.max(this.#after, this.#next)
  }

  /** The events from here up to `offset` are gone, or the topic has begun anew. */
  lose(offset: number): void {
    this.#records = new Fifo()
    this.#next = offset
    this.#after = offset
    this.#newest = undefined
    // What is in hand has no place here any more: its acknowledgements say nothing.
    if (this.#acks !== undefined) this.#acks = new ContiguousAcks()
    this.#era++
    this.#lost = true
  }

  /** Whether events were lost since this was last asked. */
  takeLoss(): boolean {
    const lost = this.#lost
    this.#lost = false
    return lost
  }

  /** Takes the next record. */
  shift(): KafkaRecord | undefined {
    const record = this.#records.shift()
    if (record !== undefined) this.#after = this.#records.peek()?.offset ?? this.#next
    return record
  }

  mayBeRepeated(offset: number): boolean {
    return offset < this.#suspectedBefore
  }

  /** Notes that a record has been handed out. Undefined where nothing needs to be acknowledged. */
  handOut(offset: number): Ticket | undefined {
    return this.#acks?.handOut(offset)
  }

  acknowledge(ticket: Ticket, era: number): void {
    if (era === this.#era) this.#acks?.ack(ticket)
  }
}
