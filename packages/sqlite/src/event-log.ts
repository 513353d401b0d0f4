/**
 * The one reader of the event table in a process. It reads each new event once and hands it to every receiver that
 * wants it; what this process has committed itself it need not read at all. A receiver that cannot keep up falls behind
 * alone and scans for itself what it has missed.
 */
import type { Clock } from '@workflow/core/adapter'
import type { Batch } from './batch.ts'
import type { Connection } from './connection.ts'
import type { ForeignChanges } from './foreign-changes.ts'
import { LogEntry, type LogRow } from './log-entry.ts'
import type { TopicSets } from './topic-sets.ts'

/** Who wants events. */
export interface LogReader {
  readonly topics: readonly string[]
  /** Takes each committed event of its topics, in order, once per topic. */
  readonly offer: (topic: string, entry: LogEntry) => void
  /** Writes its cursors in the running transaction, and answers what to do after the commit. */
  readonly flush: (batch: Batch) => (() => void) | undefined
  /** Claims were made somewhere: look whether some of them were ours. */
  readonly checkClaims: () => void
}

export interface EventLogOptions {
  readonly connection: Connection
  readonly topicSets: TopicSets
  readonly clock: Clock
  readonly foreign: ForeignChanges
  /** Starts a write transaction, so that cursors can ride along. */
  readonly flush: () => void
}

/** How many ids one step looks at before others get their turn. */
const pullIds = 4_000
/** Acknowledgements ride along with a commit this long after the last time, or alone after `aloneMs`. */
const rideMs = 25
const aloneMs = 10
/** Once cursors are so many events behind, they are written although nothing was acknowledged: a restart scans from there. */
const staleEvents = 50_000

/** The topic under which a reader asks for every event. */
export const everyTopic = ''

export class EventLog {
  readonly #options: EventLogOptions
  readonly #readers = new Set<LogReader>()
  readonly #byTopic = new Map<string, Set<LogReader>>()
  readonly #dirty = new Set<LogReader>()
  #position = 0
  #wanted: string | undefined
  /** The newest list of topics that `#wanted` knows of. */
  #wantedOf = 0
  #claims = 0
  #pulling: NodeJS.Immediate | undefined
  #watch: Disposable | undefined
  #flushTimer: NodeJS.Timeout | undefined
  #flushedAt = 0
  #flushedPosition = 0
  #force = false

  constructor(options: EventLogOptions) {
    this.#options = options
  }

  /** Every event up to this id has been offered to all readers. */
  get position(): number {
    return this.#position
  }

  /** Brings the position to the newest event, so that a reader that joins now sees whatever is committed from now on. */
  add(reader: LogReader): void {
    if (this.#readers.size === 0) {
      this.#position = this.head()
      this.#claims = this.#claimCount()
      this.#flushedPosition = this.#position
      this.#watch = this.#options.foreign.watch(() => this.lookAgain())
    } else {
      while (this.#position < this.head()) this.#pullChunk()
    }
    this.#readers.add(reader)
    for (const topic of reader.topics) {
      const readers = this.#byTopic.get(topic)
      if (readers === undefined) this.#byTopic.set(topic, new Set([reader]))
      else readers.add(reader)
    }
    this.#wanted = undefined
  }

  remove(reader: LogReader): void {
    this.#readers.delete(reader)
    this.#dirty.delete(reader)
    for (const topic of reader.topics) {
      const readers = this.#byTopic.get(topic)
      readers?.delete(reader)
      if (readers?.size === 0) this.#byTopic.delete(topic)
    }
    this.#wanted = undefined
    if (this.#readers.size === 0) this.close()
  }

  close(): void {
    this.#watch?.[Symbol.dispose]()
    this.#watch = undefined
    clearImmediate(this.#pulling)
    this.#pulling = undefined
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
  }

  /** The newest id in the table. */
  head(): number {
    return this.#options.connection.value<number | null>('SELECT max(id) FROM {event}') ?? 0
  }

  /** Looks at what a batch of this process has committed. */
  committed(batch: Batch): void {
    if (this.#readers.size === 0) return
    if (batch.claimed) this.#checkClaims()
    const last = batch.events.at(-1)
    if (last === undefined) return
    if (batch.eventsBefore !== this.#position) {
      // Others have committed in between: theirs come first.
      this.#pull()
      return
    }
    for (const { id, event } of batch.events) {
      this.#offer(new LogEntry(id, event.slot, event.topics, event))
    }
    this.#position = last.id
  }

  /** Events after `from`, up to `to`, of topics that `wants` names; at most `limit`. */
  scan(from: number, to: number, wants: (topic: string) => boolean, limit: number): LogEntry[] {
    const { connection, topicSets } = this.#options
    topicSets.refresh(connection)
    const wanted = wants(everyTopic) ? undefined : JSON.stringify(topicSets.idsWith(wants))
    return this.#read(from, to, wanted, limit)
  }

  /** A reader has cursors to write. */
  dirty(reader: LogReader): void {
    this.#dirty.add(reader)
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined
      if (this.#dirty.size === 0) return
      this.#force = true
      this.#options.flush()
    }, aloneMs)
  }

  /** Writes cursors along with a transaction of others, now and then, or all of them when `now`. */
  ride(batch: Batch, now = false): (() => void) | undefined {
    const nowMs = this.#options.clock.monotonic()
    if (this.#position - this.#flushedPosition > staleEvents) {
      for (const reader of this.#readers) this.#dirty.add(reader)
    }
    if (this.#dirty.size === 0 || (!this.#force && !now && nowMs - this.#flushedAt < rideMs)) return undefined
    const done = [...this.#dirty].map((reader) => reader.flush(batch))
    return () => {
      this.#flushedAt = nowMs
      this.#flushedPosition = this.#position
      this.#force = false
      this.#dirty.clear()
      for (const callback of done) callback?.()
    }
  }

  /** Reads what somebody else may have written. */
  lookAgain(): void {
    try {
      this.#checkClaims()
      this.#pull()
    } catch {
      // Locked for a moment: the next look finds the same.
    }
  }

  #claimCount(): number {
    return this.#options.connection.value<number>("SELECT value FROM {meta} WHERE key = 'claims'") ?? 0
  }

  #checkClaims(): void {
    const claims = this.#claimCount()
    if (claims === this.#claims) return
    this.#claims = claims
    for (const reader of [...this.#readers]) reader.checkClaims()
  }

  /** Reads what is new, a chunk per turn of the event loop. */
  #pull(): void {
    if (this.#pulling !== undefined || this.#readers.size === 0) return
    if (this.#pullChunk()) {
      this.#pulling = setImmediate(() => {
        this.#pulling = undefined
        try {
          this.#pull()
        } catch {
          // As above.
        }
      })
    }
  }

  /** Answers whether there is more. */
  #pullChunk(): boolean {
    const { connection, topicSets } = this.#options
    const head = this.head()
    if (head <= this.#position) return false
    topicSets.refresh(connection)
    // Not by what this refresh has found: a scan may have found it before.
    if (this.#wanted === undefined || this.#wantedOf !== topicSets.newest) {
      this.#wantedOf = topicSets.newest
      this.#wanted = JSON.stringify(topicSets.idsWith((topic) => this.#byTopic.has(topic)))
    }
    const to = Math.min(head, this.#position + pullIds)
    for (const entry of this.#read(this.#position, to, this.#byTopic.has(everyTopic) ? undefined : this.#wanted, pullIds))
      this.#offer(entry)
    this.#position = to
    return to < head
  }

  #read(from: number, to: number, wanted: string | undefined, limit: number): LogEntry[] {
    const { connection, topicSets } = this.#options
    const columns = 'SELECT id, topic_set, version, slot, at, event FROM {event} WHERE id > ? AND id <= ?'
    const rows =
      wanted === undefined
        ? connection.raw<LogRow>(`${columns} ORDER BY id LIMIT ?`, from, to, limit)
        : connection.raw<LogRow>(
            `${columns} AND topic_set IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?`,
            from,
            to,
            wanted,
            limit,
          )
    return rows.map((row) => new LogEntry(row[0], row[3], topicSets.topicsOf(row[1]), row))
  }

  #offer(entry: LogEntry): void {
    for (const topic of entry.topics) {
      const readers = this.#byTopic.get(topic)
      if (readers !== undefined) for (const reader of readers) reader.offer(topic, entry)
    }
    const all = this.#byTopic.get(everyTopic)
    if (all !== undefined) for (const reader of all) reader.offer(everyTopic, entry)
  }
}
