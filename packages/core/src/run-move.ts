import type { MovedBy } from './model/history-entry.ts'
import type { RunState } from './model/run-state.ts'
import type { RunTimer } from './run-timers.ts'

/** What moving a run by hand would do. */
export interface MovePreview<Status extends string = string> {
  readonly runId: string
  readonly foreignId: string
  /** The version that was looked at: give it as `ifVersion`, and nothing else is moved. */
  readonly version: number
  readonly state: RunState
  readonly from: Status
  readonly to: Status
  /** `back`: the run has been there. `forward`: it has not. `again`: it is there, and enters anew. */
  readonly direction: 'back' | 'forward' | 'again'
  /** The status is terminal: the run is completed by the move. */
  readonly completes: boolean
  /**
   * What has run since the run was last at `to`, in order, and may run again on the way: whatever it did outside, it does
   * again, under new idempotency keys. The last 1,000 moves.
   */
  readonly runsAgain: readonly PastMove<Status>[]
  /**
   * Going forward, the shortest way from here to there in the graph, without both ends: what is there does not run. Undefined
   * if none leads there; empty when going back.
   */
  readonly skips: readonly Status[] | undefined
  /** The timers that are cancelled. */
  readonly cancels: readonly RunTimer[]
  /** How many callbacks that were accepted for this stay, and not handled yet, are refused. */
  readonly refuses: number
  /** How many unfinished children the stay has: they go on, and nobody waits for them any more. Counted up to 1,000. */
  readonly orphans: number
}

/** One move of a run that a handler has made. */
export interface PastMove<Status extends string = string> {
  readonly version: number
  readonly by: MovedBy
  readonly from: Status
  readonly to: Status
  readonly at: Date
}
