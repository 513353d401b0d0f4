import type { AttemptNote } from '../model/attempt-note.ts'
import type { HistoryEntry } from '../model/history-entry.ts'
import type { RunRecord } from '../model/run-record.ts'
import { isFinished } from '../model/run-state.ts'
import type { Append, Change, NextRecord } from '../model/unit.ts'
import { Inbox } from './inbox.ts'
import type { OrderedRow } from './ordered-rows.ts'
import { copyPayload } from './payload-copy.ts'

/** A run with all that belongs to it, except for its timers. */
export class StoredRun implements OrderedRow {
  readonly order: number
  readonly runId: string
  gone = false
  /** Without its attempts. */
  record: RunRecord
  /** The entry of version n is at n - 1. */
  history: HistoryEntry[]
  #notes: readonly AttemptNote[] = []
  #inboxes: Map<string, Inbox> | undefined

  constructor(order: number, record: RunRecord, history: HistoryEntry[]) {
    this.order = order
    this.runId = record.runId
    this.record = record
    this.history = history
  }

  /** A new run, at version 1. */
  static created(order: number, change: Change): StoredRun {
    const entry: HistoryEntry[] = []
    const record = keep(change, BigInt(order), entry)
    return new StoredRun(order, record, entry)
  }

  /** The same run, to be changed without changing this one. */
  copy(): StoredRun {
    const copy = new StoredRun(this.order, this.record, [...this.history])
    copy.#notes = this.#notes
    if (this.#inboxes !== undefined) copy.#inboxes = new Map([...this.#inboxes].map(([stream, inbox]) => [stream, inbox.copy()]))
    return copy
  }

  /** Becomes what a copy of it has become. */
  adopt(copy: StoredRun): void {
    this.record = copy.record
    this.history = copy.history
    this.#notes = copy.#notes
    this.#inboxes = copy.#inboxes
  }

  get finished(): boolean {
    return isFinished(this.record.runState)
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

  /** Takes the run to its next version. */
  move(change: Change): void {
    this.record = keep(change, this.record.seq, this.history)
    this.#notes = []
  }

  /** Keeps a note of the current version, in the place of an earlier one of the same process; drops any other. */
  note(note: AttemptNote): void {
    if (note.version !== this.record.version) return
    const kept = note.error === undefined ? note : { ...note, error: copyPayload(note.error) }
    const index = this.#notes.findIndex((earlier) => earlier.process === note.process)
    this.#notes = index < 0 ? [...this.#notes, kept] : this.#notes.with(index, kept)
  }

  replaceNote(note: AttemptNote, by: AttemptNote): void {
    const index = this.#notes.indexOf(note)
    if (index >= 0) this.#notes = this.#notes.with(index, by)
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
}

/** The record of a change, with payloads of its own; its history entry goes to the end of `history`. */
function keep({ next, history: entry }: Change, seq: bigint, history: HistoryEntry[]): RunRecord {
  const object = copyPayload(next.object)
  history.push(keepEntry(entry, next, object))
  const pause = next.pause === undefined ? {} : { pause: { ...next.pause, reason: copyPayload(next.pause.reason) } }
  return { ...next, seq, object, ...pause }
}

function keepEntry(entry: HistoryEntry, next: NextRecord, object: HistoryEntry['object']): HistoryEntry {
  // Nearly always the version's own object, of which there is a copy already.
  const kept = entry.object === undefined || object === undefined ? entry : { ...entry, object: entry.object === next.object ? object : copyPayload(entry.object) }
  if (kept.reason === undefined && kept.error === undefined) return kept
  return {
    ...kept,
    ...(kept.reason === undefined ? {} : { reason: copyPayload(kept.reason) }),
    ...(kept.error === undefined ? {} : { error: copyPayload(kept.error) }),
  }
}
