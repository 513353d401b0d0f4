import { type AttemptNote, replacesNote } from '../model/attempt-note.ts'
import type { HistoryEntry } from '../model/history-entry.ts'
import type { Payload } from '../model/payload.ts'
import type { RunRecord } from '../model/run-record.ts'
import { isFinished } from '../model/run-state.ts'
import type { Append, Change, NextRecord } from '../model/unit.ts'
import { Inbox } from './inbox.ts'
import type { OrderedRow } from './ordered-rows.ts'
import { packPayload, unpackPayload, type PackedPayload } from './packed-payload.ts'
import { copyPayload } from './payload-copy.ts'

type StoredRecord = Omit<NextRecord, 'object'> & { readonly object: PackedPayload }
type StoredEntry = Omit<HistoryEntry, 'object'> & { readonly object?: PackedPayload }

const noNotes: readonly AttemptNote[] = []

/** A run with all that belongs to it, except for its timers. */
export class StoredRun implements OrderedRow {
  /** The store's `seq`. */
  readonly order: number
  readonly runId: string
  gone = false
  #stored: StoredRecord
  /** Version n is at n - 1. */
  #entries: StoredEntry[]
  #notes: readonly AttemptNote[] = noNotes
  #inboxes: Map<string, Inbox> | undefined

  constructor(order: number, stored: StoredRecord, entries: StoredEntry[]) {
    this.order = order
    this.runId = stored.runId
    this.#stored = stored
    this.#entries = entries
  }

  /** A new run, at version 1. */
  static created(order: number, change: Change): StoredRun {
    const stored = packRecord(change.next)
    return new StoredRun(order, stored, [packEntry(change, stored)])
  }

  /** The same run, to be changed without changing this one. */
  copy(): StoredRun {
    const copy = new StoredRun(this.order, this.#stored, [...this.#entries])
    copy.#notes = this.#notes
    if (this.#inboxes !== undefined) copy.#inboxes = new Map([...this.#inboxes].map(([stream, inbox]) => [stream, inbox.copy()]))
    return copy
  }

  /** Becomes what a copy of it has become. */
  adopt(copy: StoredRun): void {
    this.#stored = copy.#stored
    this.#entries = copy.#entries
    this.#notes = copy.#notes
    this.#inboxes = copy.#inboxes
  }

  get version(): number {
    return this.#stored.version
  }

  get finished(): boolean {
    return isFinished(this.#stored.runState)
  }

  get seq(): bigint {
    return BigInt(this.order)
  }

  /** The record without its object, for what is decided by the rest of it. */
  get bare(): Omit<NextRecord, 'object'> {
    return this.#stored
  }

  /** Without its attempts. */
  get record(): RunRecord {
    return { ...this.#stored, seq: this.seq, object: unpackPayload(this.#stored.object) }
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
    const stored = this.#entries[version - 1]
    if (stored === undefined) return undefined
    const { object, ...rest } = stored
    return object === undefined ? rest : { ...rest, object: unpackPayload(object) }
  }

  /** Like `entry`, without the object. */
  entryWithoutObject(version: number): HistoryEntry | undefined {
    const stored = this.#entries[version - 1]
    if (stored === undefined) return undefined
    const { object: _left, ...rest } = stored
    return rest
  }

  /** Which unit wrote a version. */
  unitOf(version: number): string | undefined {
    return this.#entries[version - 1]?.unitId
  }

  /** Takes the run to its next version. */
  move(change: Change): void {
    this.#stored = packRecord(change.next)
    this.#entries.push(packEntry(change, this.#stored))
    this.#notes = noNotes
  }

  /** Keeps a note of the current version, in the place of one of the same process that it replaces; drops any other. */
  note(note: AttemptNote): void {
    if (note.version !== this.#stored.version) return
    const index = this.#notes.findIndex(({ process }) => process === note.process)
    const earlier = this.#notes[index]
    if (earlier !== undefined && !replacesNote(note, earlier)) return
    const kept = note.error === undefined ? note : { ...note, error: copyPayload(note.error) }
    this.#notes = earlier === undefined ? [...this.#notes, kept] : this.#notes.with(index, kept)
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
    this.#stored = { ...this.#stored, object: packPayload(object), ...(pause === undefined ? {} : { pause }) }
  }

  /** Puts another entry into the place of that of the same version. */
  replaceEntry({ object, ...rest }: HistoryEntry): void {
    this.#entries[rest.version - 1] = object === undefined ? rest : { ...rest, object: packPayload(object) }
  }

  replaceNote(note: AttemptNote, by: AttemptNote): void {
    const index = this.#notes.indexOf(note)
    if (index >= 0) this.#notes = this.#notes.with(index, by)
  }
}

function packRecord(next: NextRecord): StoredRecord {
  const object = packPayload(next.object)
  return next.pause === undefined
    ? { ...next, object }
    : { ...next, object, pause: { ...next.pause, reason: copyPayload(next.pause.reason) } }
}

function packEntry({ next, history }: Change, { object }: StoredRecord): StoredEntry {
  // Nearly always so, and the object of the version is packed already.
  if (history.object === next.object && history.reason === undefined && history.error === undefined) return { ...history, object }
  const { object: own, reason, error, ...rest } = history
  return {
    ...rest,
    ...(own === undefined ? {} : { object: own === next.object ? object : packPayload(own) }),
    ...(reason === undefined ? {} : { reason: copyPayload(reason) }),
    ...(error === undefined ? {} : { error: copyPayload(error) }),
  }
}
