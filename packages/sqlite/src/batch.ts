import type { HistoryEntry, Payload, RunEvent } from '@workflow/core/adapter'
import { codecText, entryText } from '@workflow/sql'
import type { Connection } from './connection.ts'
import { eventText } from './event-row.ts'
import type { KnownSeqs } from './known-seqs.ts'
import type { TopicSets } from './topic-sets.ts'

/** An event with the id that its commit gives it. */
export interface LoggedEvent {
  readonly id: number
  readonly topicSet: number
  readonly event: RunEvent
}

/**
 * One write transaction at work: gives ids in the order of the commits, and gathers what must be told once it has
 * committed. Ids never repeat, not even after the newest rows were purged: `floor` remembers them.
 */
export class Batch {
  readonly connection: Connection
  readonly knownSeqs: KnownSeqs
  readonly #topicSets: TopicSets
  readonly events: LoggedEvent[] = []
  /** When the first of the timers that were put or moved comes due; -Infinity once one was released, Infinity if there is none. */
  soonestTimerMs: number = Infinity
  /** Whether a receiver has taken over cursors. */
  claimed = false
  #lastEvent: number | undefined
  #lastSeq: number | undefined

  constructor(connection: Connection, topicSets: TopicSets, knownSeqs: KnownSeqs) {
    this.connection = connection
    this.knownSeqs = knownSeqs
    this.#topicSets = topicSets
  }

  /** The last event id before this batch's own. */
  get eventsBefore(): number {
    return (this.events[0]?.id ?? this.lastEvent() + 1) - 1
  }

  /** The highest event id so far. */
  lastEvent(): number {
    this.#lastEvent ??= Math.max(this.connection.value<number | null>('SELECT max(id) FROM {event}') ?? 0, this.#floor('floor.event'))
    return this.#lastEvent
  }

  /** The seq for the next run. Taken by `tookSeq` once the run is inserted. */
  nextSeq(): number {
    this.#lastSeq ??= Math.max(this.connection.value<number | null>('SELECT max(seq) FROM {record}') ?? 0, this.#floor('floor.seq'))
    return this.#lastSeq + 1
  }

  tookSeq(): void {
    this.#lastSeq = this.nextSeq()
  }

  /** Remembers the ids given so far, before rows are deleted. */
  keepFloors(): void {
    for (const [key, value] of [
      ['floor.event', this.lastEvent()],
      ['floor.seq', this.nextSeq() - 1],
    ] as const) {
      this.connection.run(
        'INSERT INTO {meta} (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
        key,
        value,
      )
    }
  }

  /** Appends an event that is no history. `run` is the seq of a run of this store. */
  append(event: RunEvent, run: number | null): void {
    this.connection.run(
      'INSERT INTO {event} (id, run, version, topic_set, slot, at, event) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...this.#columns(event, run),
    )
  }

  /** Appends the event and history entry of a transition. */
  transition(event: RunEvent, entry: HistoryEntry, run: number): void {
    const { object, reason, error } = entry
    const columns = this.#columns(event, run)
    if (reason === undefined && error === undefined) {
      this.connection.run(
        'INSERT INTO {event} (id, run, version, topic_set, slot, at, event, unit, entry, object_codec, object) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ...columns,
        entry.unitId,
        entryText(entry, event),
        object === undefined ? null : codecText(object),
        object?.bytes ?? null,
      )
      return
    }
    this.connection.run(
      `INSERT INTO {event} (id, run, version, topic_set, slot, at, event, unit, entry, object_codec, object, reason_codec, reason, error_codec, error)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...columns,
      entry.unitId,
      entryText(entry, event),
      ...nullable(object),
      ...nullable(reason),
      ...nullable(error),
    )
  }

  /** Forgets the events from `count` on, whose rows a savepoint has taken back. */
  truncate(count: number): void {
    const first = this.events[count]
    if (first !== undefined) {
      this.#lastEvent = first.id - 1
      this.events.length = count
    }
    this.#lastSeq = undefined
    this.#topicSets.rolledBack()
  }

  #columns(event: RunEvent, run: number | null): readonly [number, number | null, number, number, number, number, string] {
    const id = this.lastEvent() + 1
    const topicSet = this.#topicSets.idOf(event.topics, this.connection)
    this.#lastEvent = id
    this.events.push({ id, topicSet, event })
    return [id, run, event.version, topicSet, event.slot, event.at.getTime(), eventText(event)]
  }

  #floor(key: string): number {
    return this.connection.value<number>('SELECT value FROM {meta} WHERE key = ?', key) ?? 0
  }
}

function nullable(payload: Payload | undefined): readonly [string | null, Uint8Array | null] {
  return payload === undefined ? [null, null] : [codecText(payload), payload.bytes]
}
