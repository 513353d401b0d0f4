import type { FailedAttempt, RecordedError } from './explanation.ts'
import type { MovedBy } from './model/history-entry.ts'
import type { RunState } from './model/run-state.ts'

/** One version of a run: what moved it, where to, when, and what it looked like then. */
export interface RunHistoryEntry<Obj = unknown, Status extends string = string> {
  readonly version: number
  /** Absent at creation. */
  readonly from?: Status
  readonly to: Status
  /** The run states of this version, first to last, e.g. Initiated, Running, Completed. */
  readonly states: readonly RunState[]
  readonly by: MovedBy
  readonly at: Date
  /** The attempt that succeeded, from 1. */
  readonly attempt: number
  readonly durationMs?: number
  /** The instance of the engine that wrote it. */
  readonly instance: string
  readonly actor?: string
  readonly reason?: string
  /** Why the engine has paused it. */
  readonly error?: RecordedError
  /**
   * The attempts that failed before this move, oldest first: of the process that failed last, its last one with its stack and
   * the ten before it, their messages cut to 1,024 characters. Absent if none has.
   */
  readonly failures?: readonly FailedAttempt[]
  /** Absent unless asked for, when object history is off, and after data deletion. */
  readonly object?: Obj
}

/** Which part of a history, and how much of it. */
export interface HistoryQuery {
  /**
   * Whether entries carry the run's object as of their version.
   * @default false
   */
  readonly objects?: boolean
  /** The `cursor` of the page before. */
  readonly cursor?: string
  /**
   * At most this many entries, 1 to 1,000.
   * @default 100
   */
  readonly limit?: number
}
