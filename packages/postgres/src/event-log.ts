/**
 * The one reader of the event table in a process. It reads what others have committed once and hands it to every receiver
 * that wants it; what this process has committed itself it need not read at all.
 *
 * Batches are numbered in the order in which they are written, and become visible in another. What is there is handed out
 * past gaps, in the order of the numbers as far as one look shows them: of two transitions of one run the later one has
 * the higher number and becomes visible later, so each run keeps its order. Cursors remember the gaps.
 *
 * A crash in here loses nothing but the position in memory: the next process starts from the cursors.
 */
import type { Clock } from '@workflow/core/adapter'
import { batchSize, type WrittenBatch } from './commit-statement.ts'
import type { Queryable } from './database.ts'
import type { EventRow } from './event-row.ts'
import { Gaps } from './gaps.ts'
import { LogEntry } from './log-entry.ts'
import { currentStart } from './log-start.ts'
import type { Shape, Shapes } from './shapes.ts'
import { allSlots, isWithin, noSlots, type SlotMask } from './slot-mask.ts'

/** Who wants events. */
export interface LogReader {
  readonly topics: readonly string[]
  /** The slots that it wants. Tells the log by `wantsChanged` when that changes. */
  readonly slots: SlotMask
  /** Takes each committed event of its topics and slots, once per topic, and others perhaps. */
  readonly offer: (topic: string, entry: LogEntry) => void
  /** A gap has been filled, and its events offered, or it never will be. */
  readonly resolved: (batch: number) => void
  /** Claims may have been made somewhere: look whether some of them were ours. */
  readonly checkClaims: () => void
}

export interface EventLogOptions {
  readonly connection: Queryable
  readonly shapes: Shapes
  readonly clock: Clock
  readonly pollingMs: number
  /** The number by which this process knows its own events. */
  readonly origin: () => number
}

/** So many rows one look takes at most. Must be more than a batch has. */
const rowsMax = 8_192
/** A gap is looked at again after so long, and then ever more rarely. */
const gapMs = 4
const gapMsMax = 250

/** The topic under which a reader asks for every event. */
export const everyTopic = ''

export class EventLog {
  readonly #options: EventLogOptions
  readonly #readers = new Set<LogReader>()
  readonly #byTopic = new Map<string, Set<LogReader>>()
  readonly gaps: Gaps = new Gaps()
  /** Of this process, answered but not handed out. */
  readonly #own = new Map<number, WrittenBatch>()
  /** Batches on the wire, by the order in which they left. */
  readonly #inFlight = new Set<number>()
  #departures = 0
  /** The first departure that cannot fill the number that we wait for. */
  #blockedAt: number | undefined
  #position = 0
  #beginning: Promise<void> | undefined
  #began = false
  #reading: Promise<void> | undefined
  #again = false
  #fills = 0
  /** What is wanted of each shape. */
  #masks: readonly SlotMask[] | undefined
  #leavesNothingOut = false
  #poll: Disposable | undefined
  #gapTimer: Disposable | undefined
  #gapWaitMs = gapMs

  constructor(options: EventLogOptions) {
    this.#options = options
  }

  /** Every event up to this id has been offered to all readers, but for those in gaps. */
  get position(): number {
    return this.#position * batchSize + batchSize - 1
  }

  /** Counts how often gaps were filled: whoever reads for itself must begin anew when that changes meanwhile. */
  get fills(): number {
    return this.#fills
  }

  /** Up to this number every batch is there or never comes; undefined while nobody reads. */
  get settled(): number | undefined {
    if (!this.#began || this.#readers.size === 0) return undefined
    return Math.min(this.#position, ...this.gaps.numbers.map((batch) => batch - 1))
  }

  /** Finds where the log ends, so that readers can join. Call it right before `add`. */
  async begin(): Promise<void> {
    if (this.#began) return
    this.#beginning ??= this.#begin().finally(() => {
      this.#beginning = undefined
    })
    await this.#beginning
  }

  add(reader: LogReader): void {
    this.#readers.add(reader)
    for (const topic of reader.topics) {
      const readers = this.#byTopic.get(topic)
      if (readers === undefined) this.#byTopic.set(topic, new Set([reader]))
      else readers.add(reader)
    }
    this.wantsChanged()
    this.#arm()
    this.look()
  }

  remove(reader: LogReader): void {
    this.#readers.delete(reader)
    for (const topic of reader.topics) {
      const readers = this.#byTopic.get(topic)
      readers?.delete(reader)
      if (readers?.size === 0) this.#byTopic.delete(topic)
    }
    this.wantsChanged()
    if (this.#readers.size === 0) this.close()
  }

  /** A reader wants other slots than before. Call it before it counts on getting what is committed from now on. */
  wantsChanged(): void {
    this.#masks = undefined
  }

  close(): void {
    this.#poll?.[Symbol.dispose]()
    this.#poll = undefined
    this.#gapTimer?.[Symbol.dispose]()
    this.#gapTimer = undefined
    this.#began = false
    this.#own.clear()
    this.gaps.clear()
  }

  /** A batch of this process leaves. The callback says how it ended: with what was written, or undefined for unknown. */
  leaving(): (written: readonly WrittenBatch[] | undefined) => void {
    const departure = this.#departures++
    this.#inFlight.add(departure)
    return (written) => {
      this.#inFlight.delete(departure)
      if (!this.#began && this.#beginning === undefined) return
      for (const batch of written ?? []) this.#own.set(batch.number, batch)
      if (this.#began) this.#advance()
    }
  }

  /** Reads what somebody else may have written, now or right after the read that is under way. */
  look(): void {
    if (!this.#began || this.#readers.size === 0) return
    if (this.#reading !== undefined) {
      this.#again = true
      return
    }
    this.#again = false
    this.#reading = this.#read()
      // The next look, by a notification or the timer, finds the same.
      .catch(() => undefined)
      .finally(() => {
        this.#reading = undefined
        if (this.#again) this.look()
        else this.#armGaps()
      })
  }

  lookAtClaims(): void {
    for (const reader of [...this.#readers]) reader.checkClaims()
  }

  /** Looks for a batch that a cursor had found missing, and offers it to those who still miss it. */
  reopen(batch: number): void {
    this.gaps.open(batch, this.#options.clock.monotonic(), undefined, true)
    this.look()
  }

  async #begin(): Promise<void> {
    const { connection, shapes, clock } = this.#options
    await shapes.load()
    const { tail, holes, witness } = await currentStart(connection)
    this.#position = tail
    for (const batch of holes) this.gaps.open(batch, clock.monotonic(), witness)
    this.#began = true
    this.#advance()
  }

  /** Hands out what this process has committed, as long as nothing is missing before it. */
  #advance(): void {
    for (const number of [...this.#own.keys()]) if (number <= this.#position && !this.gaps.has(number)) this.#own.delete(number)
    let moved = false
    for (;;) {
      const next = this.gaps.size > 0 ? undefined : this.#own.get(this.#position + 1)
      if (next === undefined) break
      this.#own.delete(next.number)
      this.#offerOwn(next, false)
      this.#position = next.number
      moved = true
    }
    if (this.#own.size === 0) {
      this.#blockedAt = undefined
      return
    }
    if (moved || this.#blockedAt === undefined) this.#blockedAt = this.#departures
    // What is missing may be on our own wires: only when none of those is left that left before, it is somebody else's.
    for (const departure of this.#inFlight) if (departure < this.#blockedAt) return
    this.look()
  }

  async #read(): Promise<void> {
    const { connection, shapes, clock, origin } = this.#options
    if (this.gaps.needWitness(clock.monotonic())) {
      const [row] = await connection.query<[number, number]>('SELECT tail, xact FROM {tail_1}()')
      if (row !== undefined) this.gaps.bearWitness(row[1])
    }
    const masks = this.#leavesNothingOut ? [] : (this.#masks ??= this.#wanted())
    const asked = this.gaps.numbers.filter((batch) => batch <= this.#position)
    const asking = origin()
    const from = this.#position
    const rows = await connection.query<EventRow>(
      'SELECT * FROM {read_1}($1, $2, $3, $4, $5)',
      [this.position, asked, asking, masks, rowsMax],
      'read_1',
    )
    if (rows.some(([id, , shape]) => id >= 0 && shapes.get(shape) === undefined) && (await shapes.load())) this.#masks = undefined
    if (!this.#began) return
    // Somebody has come meanwhile who wants what this look was told to leave out. The next one leaves out nothing: whoever
    // comes and goes, as those do who await a run, holds it up no more than once.
    this.#masks ??= this.#wanted()
    this.#leavesNothingOut = this.#masks.some((mask, i) => !isWithin(mask, masks[i] ?? allSlots))
    if (this.#leavesNothingOut) {
      this.#again = true
      return
    }
    const oldestOpen = rows.at(-1)?.[3] ?? 0
    const byBatch = new Map<number, EventRow[]>()
    for (const row of rows.slice(0, -1)) {
      const batch = Math.floor(row[0] / batchSize)
      const others = byBatch.get(batch)
      if (others === undefined) byBatch.set(batch, [row])
      else others.push(row)
    }
    for (const batch of asked) this.#lookAtGap(batch, byBatch.get(batch), asking, oldestOpen)
    // A look that was cut off may end in the middle of a batch.
    const tailRows = rows.filter(([id]) => id > from * batchSize + batchSize - 1).length
    const last = Math.max(from, ...byBatch.keys())
    const tail = tailRows >= rowsMax ? last - 1 : last
    // What this process has committed meanwhile may have been handed out already.
    for (let batch = this.#position + 1; batch <= tail; batch++) this.#lookAtBatch(batch, byBatch.get(batch), asking)
    this.#position = Math.max(this.#position, tail)
    if (tailRows >= rowsMax) this.#again = true
    this.#advance()
  }

  #lookAtGap(batch: number, rows: readonly EventRow[] | undefined, asking: number, oldestOpen: number): void {
    const gap = this.gaps.get(batch)
    if (gap === undefined) return
    if (rows === undefined && !this.#own.has(batch)) {
      if (this.gaps.isDead(batch, oldestOpen)) this.#resolve(batch)
    } else if (this.#offerBatch(batch, rows ?? [], asking, true)) {
      this.#fills++
      this.#resolve(batch)
    }
  }

  #lookAtBatch(batch: number, rows: readonly EventRow[] | undefined, asking: number): void {
    const there = rows !== undefined || this.#own.has(batch)
    const offered = there && this.#offerBatch(batch, rows ?? [], asking, false)
    // A cursor had found it missing before we got here.
    if (this.gaps.has(batch)) this.#resolve(batch)
    if (offered) return
    this.gaps.open(batch, this.#options.clock.monotonic())
    this.#gapWaitMs = gapMs
  }

  /** Answers whether the batch has been offered: not yet, where it is our own and its answer is still on the wire. */
  #offerBatch(batch: number, rows: readonly EventRow[], asking: number, late: boolean): boolean {
    const { shapes } = this.#options
    const own = this.#own.get(batch)
    if (own !== undefined) {
      this.#own.delete(batch)
      this.#offerOwn(own, late)
      return true
    }
    // Our rows were not asked for. If the answer got lost, the next look asks by another number, and gets them all.
    if (rows[0]?.[1] === asking) return false
    for (const row of rows) this.#offer(new LogEntry(row[0], row, shapes.get(row[2]), late))
    return true
  }

  #offerOwn({ number, events }: WrittenBatch, late: boolean): void {
    for (const [n, event] of events.entries()) this.#offer(new LogEntry(number * batchSize + n, event, undefined, late))
  }

  #resolve(batch: number): void {
    this.gaps.close(batch)
    for (const reader of [...this.#readers]) reader.resolved(batch)
  }

  #wanted(): readonly SlotMask[] {
    return this.#options.shapes.map((shape) => this.#slotsOf(shape), allSlots)
  }

  /** The slots in which somebody wants events of a shape. */
  #slotsOf({ topics, workflowName }: Shape): SlotMask {
    let mask = noSlots
    for (const topic of topics) for (const { slots } of this.#byTopic.get(topic) ?? []) mask |= slots
    if (workflowName !== '') for (const { slots } of this.#byTopic.get(everyTopic) ?? []) mask |= slots
    return mask
  }

  #offer(entry: LogEntry): void {
    for (const topic of entry.topics) {
      const readers = this.#byTopic.get(topic)
      if (readers !== undefined) for (const reader of readers) reader.offer(topic, entry)
    }
    const all = this.#byTopic.get(everyTopic)
    if (all !== undefined) for (const reader of all) reader.offer(everyTopic, entry)
  }

  #arm(): void {
    this.#poll ??= this.#options.clock.setTimer(this.#options.pollingMs, () => {
      this.#poll = undefined
      if (this.#readers.size === 0) return
      this.look()
      this.lookAtClaims()
      this.#arm()
    })
  }

  #armGaps(): void {
    if (this.gaps.size === 0 || this.#gapTimer !== undefined || !this.#began) return
    this.#gapTimer = this.#options.clock.setTimer(this.#gapWaitMs, () => {
      this.#gapTimer = undefined
      this.#gapWaitMs = Math.min(gapMsMax, this.#gapWaitMs * 1.5)
      this.look()
    })
  }
}
