import type { AttemptNote } from '../model/attempt-note.ts'
import type { HistoryEntry } from '../model/history-entry.ts'
import type { Payload } from '../model/payload.ts'
import type { RunRecord } from '../model/run-record.ts'
import { isFinished } from '../model/run-state.ts'
import type { Append, Change, NextRecord } from '../model/unit.ts'
import { Inbox } from './inbox.ts'
import type { OrderedRow } from './ordered-rows.ts'
import { copyPayload } from './payload-copy.ts'

/** A version as it was written. The parts are the caller's, its payloads copies: what reads it puts them together. */
interface StoredVersion {
  readonly entry: HistoryEntry
  readonly object: Payload | undefined
}

/** A run with all that belongs to it, except for its timers. */
export class StoredRun implements OrderedRow {
  /** The store's `seq`. */
  readonly order: number
  readonly runId: string
  gone = false
  #next: NextRecord
  #object: Payload
  /** What `record` answers, once somebody has asked for it. */
  #record: RunRecord | undefined
  /** Version n is at n - 1. */
  #versions: StoredVersion[] = []
  #notes: readonly AttemptNote[] = []
  #inboxes: Map<string, Inbox> | undefined

  constructor(order: number, next: NextRecord, object: Payload) {
    this.order = order
    this.runId = next.runId
    this.#next = next
    this.#object = object
  }

  /** A new run, at version 1. */
  static created(order: number, change: Change): StoredRun {
    const run = new StoredRun(order, change.next, change.next.object)
    run.move(change)
    return run
  }

  /** The same run, to be changed without changing this one. */
  copy(): StoredRun {
    const copy = new StoredRun(this.order, this.#next, this.#object)
    copy.#versions = [...this.#versions]
    copy.#notes = this.#notes
    if (this.#inboxes !== undefined) copy.#inboxes = new Map([...this.#inboxes].map(([stream, inbox]) => [stream, inbox.copy()]))
    return copy
  }

  /** Becomes what a copy of it has become. */
  adopt(copy: StoredRun): void {
    this.#next = copy.#next
    this.#object = copy.#object
    this.#record = undefined
    this.#versions = copy.#versions
    this.#notes = copy.#notes
    this.#inboxes = copy.#inboxes
  }

  get version(): number {
    return this.#next.version
  }

  get finished(): boolean {
    return isFinished(this.#next.runState)
  }

  get seq(): bigint {
    return BigInt(this.order)
  }

  /** What was written last, whose payloads may not be read any more: for everything but them. */
  get next(): Omit<NextRecord, 'object' | 'pause'> {
    return this.#next
  }

  /** Without its attempts. */
  get record(): RunRecord {
    this.#record ??= { ...this.#next, seq: this.seq, object: this.#object }
    return this.#record
  }

  get notes(): readonly AttemptNote[] {
    return this.#notes
  }

  get inboxes(): ReadonlyMap<string, Inbox> | undefined {
    return this.#inboxes
  }

  /** The record as a look-up answers it. */
  current(): RunRecord {
    return this.#notes.length === 0 ? this.record : { ...this.record, attempts: this.#notes }
  }

  /** The entry of a version; undefined where there is none. */
  entry(version: number): HistoryEntry | undefined {
    const stored = this.#versions[version - 1]
    return stored?.object === undefined ? stored?.entry : { ...stored.entry, object: stored.object }
  }

  /** Like `entry`, without the object. */
  entryWithoutObject(version: number): HistoryEntry | undefined {
    const stored = this.#versions[version - 1]
    if (stored?.object === undefined) return stored?.entry
    const { object: _left, ...rest } = stored.entry
    return rest
  }

  /** Which unit wrote a version. */
  unitOf(version: number): string | undefined {
    return this.#versions[version - 1]?.entry.unitId
  }

  /** Takes the run to its next version. */
  move({ next, history }: Change): void {
    this.#object = copyPayload(next.object)
    this.#next = next.pause === undefined ? next : { ...next, pause: { ...next.pause, reason: copyPayload(next.pause.reason) } }
    this.#record = undefined
    this.#notes = []
    // Nearly always the version's own object, of which there is a copy already.
    const object = history.object === next.object ? this.#object : history.object && copyPayload(history.object)
    this.#versions.push({ entry: history.reason === undefined && history.error === undefined ? history : withOwnPayloads(history), object })
  }

  /** Keeps a note of the current version, in the place of an earlier one of the same process; drops any other. */
  note(note: AttemptNote): void {
    if (note.version !== this.#next.version) return
    const kept = note.error === undefined ? note : { ...note, error: copyPayload(note.error) }
    const index = this.#notes.findIndex((earlier) => earlier.process === note.process)
    this.#notes = index < 0 ? [...this.#notes, kept] : this.#notes.with(index, kept)
  }

  append(append: Append, unitId: string): void {
    this.#inboxes ??= new Map()
    let inbox = this.#inboxes.get(append.stream)
    if (inbox === undefined) {
      inbox = new Inbox()
      this.#inboxes.set(append.stream, inbox)
    }
    inbox.append(append, unitId)
  }

  /** Puts other payloads into the record. */
  replacePayloads(object: Payload, pause: RunRecord['pause']): void {
    this.#object = object
    this.#next = { ...this.#next, object, ...(pause === undefined ? {} : { pause }) }
    this.#record = undefined
  }

  /** Puts another entry into the place of that of the same version. */
  replaceEntry(entry: HistoryEntry): void {
    this.#versions[entry.version - 1] = { entry, object: entry.object }
  }

  replaceNote(note: AttemptNote, by: AttemptNote): void {
    const index = this.#notes.indexOf(note)
    if (index >= 0) this.#notes = this.#notes.with(index, by)
  }
}

function withOwnPayloads(entry: HistoryEntry): HistoryEntry {
  return {
    ...entry,
    ...(entry.reason === undefined ? {} : { reason: copyPayload(entry.reason) }),
    ...(entry.error === undefined ? {} : { error: copyPayload(entry.error) }),
  }
}
