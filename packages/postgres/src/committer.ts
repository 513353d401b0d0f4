/**
 * The one way to write units. Several batches are on the wire at once, each on a connection of its own; what arrives
 * meanwhile forms the next ones. A batch that fails because of one of its units is taken apart until that one is alone.
 */
import {
  assertTimerOps,
  assertUnit,
  soonestOf,
  Stopped,
  type CommitResult,
  type RunEvent,
  type TimerOp,
  type Unit,
} from '@workflow/core/adapter'
import { CommitQueue, keysOf, type Queued } from './commit-queue.ts'
import { CommitStatement, statement, type BatchAnswer, type WrittenBatch, type Writing } from './commit-statement.ts'
import type { Database, Queryable } from './database.ts'
import { Departures } from './departures.ts'
import { isConnectionLoss, isContention, isRefusedValue, sqlState, storeError } from './driver-error.ts'
import { resolveRefusal } from './refusals.ts'
import type { Settings } from './settings.ts'
import type { Shapes } from './shapes.ts'

interface Entry extends Writing, Queued {
  readonly resolve: (result: CommitResult) => void
  readonly reject: (error: unknown) => void
  readonly parts: number
  readonly bytes: number
  /** When it first met a lock, and how often. */
  busySince: number
  tries: number
}

/** What the committer needs of its session. */
export interface CommitterHost {
  readonly settings: Settings
  readonly database: Database
  readonly shapes: Shapes
  /** Opens the session; undefined when it is open. */
  readonly open: () => Promise<void> | undefined
  /** The number of this life of the process. */
  readonly origin: () => number
  /** The oid of the type `change`; known once the session is open. */
  readonly changeType: () => number
  /** Where to tell others of the next batch; undefined: they need not be told now. */
  readonly channel: () => string | undefined
  /** A batch leaves; `told` if it tells others. What this answers is called when the batch has been answered, with what was written, or undefined for unknown. */
  readonly leaving: (told: boolean) => (written: readonly WrittenBatch[] | undefined) => void
  /** `soonestMs`: as of `soonestOf`. */
  readonly timersChanged: (soonestMs: number) => void
}

const lanesMax = 4
const unitsMax = 400
const partsMax = 3_000
const bytesMax = 4_194_304
/** Into how many pieces a batch is taken apart. */
const pieces = 12
const waitAlone = '3ms'

export class Committer {
  readonly #host: CommitterHost
  readonly #queue = new CommitQueue<Entry>()
  readonly #lanes: number
  /** Those that met a lock, and are to be tried again alone. */
  readonly #again: Entry[] = []
  #busyLanes = 0
  #gathering: NodeJS.Immediate | undefined
  readonly #departures = new Departures()
  #departing: NodeJS.Timeout | undefined
  #opening = false
  #turn = 0
  #closed = false
  #drained: (() => void)[] = []

  constructor(host: CommitterHost) {
    this.#host = host
    this.#lanes = Math.max(1, Math.min(lanesMax, Math.floor(host.settings.connections / 3)))
  }

  /** Writes a unit. */
  commit(unit: Unit): Promise<CommitResult> {
    try {
      assertUnit(unit)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#add(unit, true)
  }

  /** Applies timer operations that belong to no unit. */
  async applyTimers(ops: readonly TimerOp[]): Promise<void> {
    assertTimerOps(ops)
    if (ops.length > 0) await this.#add({ id: 'timers', timers: ops }, false)
  }

  /** Appends events that come from elsewhere, in their order. */
  async send(events: readonly RunEvent[]): Promise<void> {
    if (events.length > 0) await this.#add({ id: 'sent', emit: events }, false)
  }

  /** Takes nothing more, and waits for what it has. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#queue.size > 0) await new Promise<void>((resolve) => this.#drained.push(resolve))
  }

  #add(unit: Unit, named: boolean): Promise<CommitResult> {
    if (this.#closed) return Promise.reject(new Stopped('the store has been closed'))
    return new Promise<CommitResult>((resolve, reject) => {
      const { parts, bytes } = sizeOf(unit)
      this.#queue.add({ unit, named, keys: keysOf(unit), resolve, reject, parts, bytes, busySince: 0, tries: 0 })
      this.#schedule()
    })
  }

  /** What arrives in one turn of the event loop leaves together. */
  #schedule(): void {
    if (this.#gathering !== undefined || this.#opening || this.#waiting === 0 || this.#busyLanes >= this.#lanes) return
    // Native timers, not the clock's: virtual time must not hold up a network.
    const waitMs = this.#departsInMs()
    if (waitMs > 0) return this.#scheduleIn(waitMs)
    this.#gathering = setImmediate(() => {
      this.#gathering = undefined
      this.#start()
    })
  }

  #scheduleIn(waitMs: number): void {
    if (this.#departing !== undefined) return
    this.#departing = setTimeout(() => {
      this.#departing = undefined
      this.#schedule()
    }, waitMs)
  }

  #start(): void {
    const opening = this.#host.open()
    if (opening !== undefined) {
      this.#opening = true
      opening
        .catch((error: unknown) => {
          for (const { reject } of this.#queue.clear()) reject(error)
        })
        .finally(() => {
          this.#opening = false
          this.#schedule()
          this.#tellDrained()
        })
      return
    }
    while (this.#busyLanes < this.#lanes && this.#waiting > 0 && this.#departsInMs() <= 0) {
      this.#busyLanes++
      this.#departures.left(performance.now())
      void this.#send(this.#nextBatch()).finally(() => {
        this.#busyLanes--
        this.#schedule()
        this.#tellDrained()
      })
    }
    // What has to wait for company leaves without, if none comes.
    this.#schedule()
  }

  #departsInMs(): number {
    return this.#departures.inMs(this.#waiting, this.#busyLanes, performance.now())
  }

  get #waiting(): number {
    return this.#queue.ready + this.#again.length
  }

  #nextBatch(): readonly Entry[] {
    const again = this.#queue.ready === 0 || this.#turn++ % 2 === 0 ? this.#again.shift() : undefined
    if (again !== undefined) return [again]
    const batch: Entry[] = []
    let parts = 0
    let bytes = 0
    for (;;) {
      const next = this.#queue.peek()
      if (next === undefined) return batch
      if (batch.length > 0 && (isSolo(next) || batch.length >= unitsMax || parts + next.parts > partsMax || bytes + next.bytes > bytesMax))
        return batch
      this.#queue.take()
      batch.push(next)
      if (isSolo(next)) return batch
      parts += next.parts
      bytes += next.bytes
    }
  }

  async #send(batch: readonly Entry[]): Promise<void> {
    try {
      await this.#makeShapes(batch)
      await this.#host.database.lendRaw((client) => this.#write(this.#host.database.on(client), batch))
    } catch (error) {
      const failure = storeError(error, this.#host.settings.schema)
      for (const entry of batch) this.#settle(entry, () => entry.reject(failure))
    }
  }

  async #makeShapes(batch: readonly Entry[]): Promise<void> {
    const { shapes } = this.#host
    const events = batch.flatMap(({ unit }) => eventsOf(unit))
    if (events.some((event) => shapes.idOf(event) === undefined)) await shapes.add(events)
  }

  async #write(connection: Queryable, batch: readonly Entry[]): Promise<void> {
    const { shapes, origin, changeType, leaving } = this.#host
    const channel = this.#host.channel()
    const solo = batch.length === 1
    const retried = (batch[0]?.tries ?? 0) > 0
    const made = new CommitStatement(batch, shapes, {
      origin: origin(),
      wait: solo && retried ? waitAlone : null,
      channel: channel ?? null,
      solo,
      changeType: changeType(),
    })
    const arrived = leaving(channel !== undefined)
    let text: string
    try {
      const [row] = await connection.query<[string]>(statement, made.params, 'commit_1')
      text = row?.[0] ?? ''
    } catch (error) {
      const written = sqlState(error) === undefined ? undefined : []
      arrived(written)
      await this.#failed(connection, batch, made, error)
      return
    }
    const answer = made.answer(text)
    // The log first: whoever hears of the commit may ask for its event.
    arrived(answer.batches)
    await this.#answer(connection, batch, made, answer)
  }

  async #answer(connection: Queryable, batch: readonly Entry[], made: CommitStatement, answer: BatchAnswer): Promise<void> {
    let soonestMs = Infinity
    const refused: (readonly [Entry, string])[] = []
    for (const [i, entry] of batch.entries()) {
      const why = answer.refused.get(i)
      if (why !== undefined) {
        refused.push([entry, why])
        continue
      }
      if (entry.unit.timers !== undefined) soonestMs = Math.min(soonestMs, soonestOf(entry.unit.timers))
      this.#settle(entry, () => entry.resolve({ ok: true, replayed: false, final: true, seqs: answer.seqsOf.get(i) ?? [] }))
    }
    if (soonestMs < Infinity) this.#host.timersChanged(soonestMs)
    for (const [entry, why] of refused) await this.#refuse(connection, entry, made, why)
  }

  async #failed(connection: Queryable, batch: readonly Entry[], made: CommitStatement, error: unknown): Promise<void> {
    const [entry] = batch
    if (batch.length > 1 && (isContention(error) || isRefusedValue(error))) {
      const size = Math.ceil(batch.length / pieces)
      for (let from = 0; from < batch.length; from += size) await this.#write(connection, batch.slice(from, from + size))
      return
    }
    if (entry === undefined || batch.length > 1) throw error
    if (sqlState(error) === 'WF001') await this.#refuse(connection, entry, made, error instanceof Error ? error.message : '')
    else if (isContention(error)) this.#retry(entry)
    else throw error
  }

  async #refuse(connection: Queryable, entry: Entry, made: CommitStatement, why: string): Promise<void> {
    try {
      const change = why.startsWith('c') ? made.changeAt(Number(why.slice(1))) : undefined
      const answer = await resolveRefusal(connection, { unit: entry.unit, why, change, final: true })
      if (answer === undefined) this.#retry(entry)
      else this.#settle(entry, () => entry.resolve(answer))
    } catch (error) {
      // A row that makes no sense is the misfortune of this unit alone.
      this.#settle(entry, () => entry.reject(storeError(error, this.#host.settings.schema)))
      if (isConnectionLoss(error)) throw error
    }
  }

  /** Somebody else is in the way: again, alone, after a short wait. It stays in its place, so that its run waits with it. */
  #retry(entry: Entry): void {
    const { clock, busyTimeoutMs } = this.#host.settings
    const now = clock.monotonic()
    if (entry.tries === 0) entry.busySince = now
    if (now - entry.busySince >= busyTimeoutMs) {
      this.#settle(entry, () => entry.resolve({ ok: false, reason: 'busy' }))
      return
    }
    entry.tries++
    clock.setTimer(Math.min(50, 2 ** Math.min(6, entry.tries)), () => {
      this.#again.push(entry)
      this.#schedule()
    })
  }

  #settle(entry: Entry, answer: () => void): void {
    this.#queue.done(entry)
    answer()
    this.#schedule()
    this.#tellDrained()
  }

  #tellDrained(): void {
    if (this.#queue.size === 0) for (const resolve of this.#drained.splice(0)) resolve()
  }
}

/** Whether a unit could be refused after something of it was written: then it is alone in its batch, which is taken back as a whole. */
function isSolo({ unit, parts }: Entry): boolean {
  const changes = unit.changes?.length ?? 0
  return changes > 1 || (changes === 1 && unit.append !== undefined) || parts > partsMax
}

export function eventsOf({ changes = [], emit = [] }: Unit): readonly RunEvent[] {
  return [...changes.map(({ event }) => event), ...emit]
}

/** How large a unit is, roughly. */
function sizeOf({ changes = [], append = [], consume = [], timers = [], attempts = [], emit = [] }: Unit): {
  readonly parts: number
  readonly bytes: number
} {
  const parts = changes.length + append.length + consume.length + timers.length + attempts.length + emit.length
  let bytes = 0
  for (const { next, history } of changes) bytes += next.object.bytes.byteLength + (history.object?.bytes.byteLength ?? 0)
  for (const { body } of append) bytes += body.bytes.byteLength
  for (const op of timers) if ('put' in op) bytes += op.put.data?.bytes.byteLength ?? 0
  return { parts, bytes }
}
