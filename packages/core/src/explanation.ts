import type { RunState } from './model/run-state.ts'

/** Why a run is where it is. `text` says all of it in a paragraph; the fields are for programs. */
export interface Explanation {
  readonly workflowName: string
  readonly runId: string
  readonly foreignId: string
  readonly status: string
  readonly state: RunState
  /** When the run entered its status. */
  readonly since: Date
  /** Everything that could move the run; `nothing` alone when it is finished. */
  readonly waitsFor: readonly WaitsFor[]
  readonly lastError?: LastError
  /**
   * The attempts of the version in hand that have failed, oldest first: of each process the last one with its stack, and the
   * ten before it, their messages cut to 1,024 characters.
   */
  readonly failures: readonly FailedAttempt[]
  /** Which instance works for the slot of this run; absent when none does, when only the client's side was asked, or when the scheduler does not answer, which `text` says. */
  readonly holder?: { readonly instance: string; readonly since: Date }
  /** How far behind the consumer of the run's status is; absent where the stream cannot tell, or does not answer, which `text` says. */
  readonly lag?: { readonly receiver: string; readonly events: number; readonly oldest?: Date }
  /** What would move the run on, in words for people; the likeliest first. */
  readonly moves: readonly string[]
  readonly text: string
}

/** One thing that a run waits for. */
export type WaitsFor =
  /** Its turn in a process: the handler has not run yet, or runs right now. */
  | { readonly kind: 'step'; readonly process: string }
  /** A call from outside. `queued`: how many are in the inbox already. */
  | { readonly kind: 'callback'; readonly status: string; readonly queued: number }
  | { readonly kind: 'timer'; readonly name: string; readonly at: Date; readonly held: boolean }
  | { readonly kind: 'retry'; readonly process: string; readonly at: Date; readonly attempt: number }
  | { readonly kind: 'children'; readonly join: string; readonly unfinished: number }
  /** Somebody must look: the run is paused. `resumeAt` is when the engine resumes it by itself. */
  | {
      readonly kind: 'person'
      readonly pausedBy: 'person' | 'engine'
      readonly actor?: string
      readonly reason: string
      readonly resumeAt?: Date
    }
  | { readonly kind: 'nothing' }

/** The most recent failure of the version in hand. */
export interface LastError extends RecordedError {
  readonly process: string
  readonly attempt: number
  /** When the attempt began; for one that paused the run, when it paused. */
  readonly at: Date
}

/** An attempt that failed, as it is kept with a run. */
export interface FailedAttempt extends RecordedError {
  /** E.g. `'step created'`. */
  readonly process: string
  /** From 1. */
  readonly attempt: number
  readonly startedAt: Date
  readonly durationMs: number
  /** The instance of the engine that made it. */
  readonly instance: string
}

/** An error as it is kept with a run. */
export interface RecordedError {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
}
