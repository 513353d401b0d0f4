/** What an export knows of a run, and how its problems are told. */
import type { RunHistoryEntry } from '../run-history.ts'
import type { AnySnapshot } from '../run.ts'

/** A run as it was when it was listed, without its object. */
export type ExportedRun = Omit<AnySnapshot, 'object'>

/** An entry of a history as it was read, and what is wrong with it. */
export interface ReadEntry {
  readonly entry: RunHistoryEntry
  readonly objectProblem?: ObjectProblem
}

/** What keeps an object from being exported. */
export interface ObjectProblem {
  /** Of the error, `Error` where it has none. It stands in the log: the message may hold what the object holds. */
  readonly code: string
  readonly error: unknown
}

/**
 * What an export has met and goes on from. `object-unreadable`: the entry is exported without its object, marked.
 * `history-incomplete`: versions are missing before `version`, or from `version` on. `run-gone`: the run was purged after it
 * was listed; entries that were read before are exported. `history-unreadable`: the entries from `version` on are left out.
 */
export type ExportProblemKind = 'object-unreadable' | 'history-incomplete' | 'run-gone' | 'history-unreadable'

/** Something that could not be exported as it should be. Ids are those of the store, also where `redact` hides them. */
export interface ExportProblem {
  readonly kind: ExportProblemKind
  readonly workflowName: string
  readonly runId: string
  readonly foreignId: string
  readonly version?: number
  /** What reading it has thrown. Its message may speak of the object's contents. */
  readonly error?: unknown
  /** What is wrong and what was done, in words for people. */
  readonly text: string
}

/** How much of an export has been given so far. */
export interface ExportProgress {
  /** Runs that are complete in what was given. */
  readonly runs: number
  readonly entries: number
}
