import type { AttemptNote } from './attempt-note.ts'
import type { HistoryEntry } from './history-entry.ts'
import type { Item } from './item.ts'
import type { RunEvent } from './run-event.ts'
import type { RunRecord } from './run-record.ts'
import type { TimerOp } from './timer.ts'

/** What a change writes of a record: `seq` and `attempts` are the store's. */
export type NextRecord = Omit<RunRecord, 'seq' | 'attempts'>

/** One record's step from a version to the next, with its event and its history entry. */
export interface Change {
  /** `'absent'` creates; a number must be the stored version, and `next.version` is one more. */
  readonly expect: number | 'absent'
  readonly next: NextRecord
  readonly event: RunEvent
  readonly history: HistoryEntry
  /** Refuse with `conflict` while this stream of the run's inbox has unconsumed items beyond those that this unit consumes. */
  readonly ifEmpty?: string
}

/** An item to add. An id that the stream knows already, consumed or not, makes it a no-op before any condition is looked at. The conditions are checked in the unit's own transaction. */
export interface Append extends Item {
  /** Refuse with `finished` if the run is finished, or does not exist. */
  readonly ifUnfinished: boolean
  /** Refuse with `conflict` unless the run is at exactly this version. */
  readonly ifVersion?: number
}

/** Marks every item of a stream up to and including a position as consumed; its id stays known. */
export interface Consume {
  readonly runId: string
  readonly stream: string
  readonly through: number
}

/**
 * The one write: all of it or nothing. Parts apply in the order of the fields below; each sees the ones before it. A
 * field that an adapter does not know makes it throw `Unsupported` before anything is written.
 */
export interface Unit {
  /**
   * Kept in the history entries that it writes. The same unit again, however late, commits nothing and answers `replayed`.
   * A unit without changes leaves no entry: sent again it changes nothing all the same, whatever it answers.
   */
  readonly id: string
  /** Several = parent and children. At most one change per run. */
  readonly changes?: readonly Change[]
  readonly append?: readonly Append[]
  readonly consume?: readonly Consume[]
  readonly timers?: readonly TimerOp[]
  /** A note for a version other than the run's current one (after `changes`) is dropped in silence. */
  readonly attempts?: readonly AttemptNote[]
  /** Wake-ups and repairs for existing versions; delivered after the commit like a change's event. */
  readonly emit?: readonly RunEvent[]
}

/** The answer to a unit. A throw instead of an answer means: unknown; send the same unit again. */
export type CommitResult = Committed | Refused | Busy

/** The answer to a unit that is in the store. */
export interface Committed {
  readonly ok: true
  /** This unit had been committed before; nothing was written now. `seqs` are those of then. */
  readonly replayed: boolean
  /** False inside a caller's transaction, which may still roll back: then nothing may be woken or cached. */
  readonly final: boolean
  /** One per change, in order: the record's `seq`. */
  readonly seqs: readonly bigint[]
}

/** The answer to a unit that the store refused: nothing of it was written. */
export interface Refused {
  readonly ok: false
  /**
   * `conflict`: the run is not at the expected version, does not exist, its id exists already (whatever its foreign id), or it has unconsumed items.
   * `in-progress`: the foreign id has an unfinished run. `finished`: an append met a finished or unknown run.
   */
  readonly reason: 'conflict' | 'in-progress' | 'finished'
  /** The run that the refused part is about; for `in-progress` the new one. */
  readonly runId: string
  /** What stands in the way: that run as stored, or for `in-progress` the unfinished run. */
  readonly current: RunRecord | undefined
}

/** The answer to a unit that met a lock: it was not written, and may be sent again. */
export interface Busy {
  readonly ok: false
  /** A lock elsewhere. Nothing was written; only this unit is to be tried again, after a short wait. */
  readonly reason: 'busy'
}
