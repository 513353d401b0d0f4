import type { Payload } from './payload.ts'

/**
 * What happened to one version of a run without moving it: an attempt failed, may have killed its process, or chose to
 * skip. Kept beside the run, so that counts survive a crash; it never bumps the version, so that no event goes stale.
 * Unique by (runId, version, process): a later note of the same process replaces the earlier one, unless that one counts more
 * failures: what a process that has lost the run had sent before, and comes late, sets no count back.
 */
export interface AttemptNote {
  readonly runId: string
  /** The version that was being worked on. A note for a version that has passed is dropped. */
  readonly version: number
  /** Name of the process that made the attempt, e.g. `'step created'`. */
  readonly process: string
  /** `failed`: the handler threw. `suspect`: handlers were about to run after an unclean takeover. `skipped`: the handler chose to leave the run where it is. */
  readonly kind: 'failed' | 'suspect' | 'skipped'
  /** How many attempts of this kind there have been, from 1. */
  readonly attempt: number
  readonly startedAt: Date
  readonly error?: Payload
  /** When the next attempt is due; absent when none is planned. */
  readonly retryAt?: Date
  /** Which instance of the engine made the attempt. */
  readonly instance: string
}

/** Whether a note that comes later is kept in the place of `earlier`, of the same run, version and process. */
export function replacesNote(later: AttemptNote, earlier: AttemptNote): boolean {
  return later.kind !== 'failed' || earlier.kind !== 'failed' || later.attempt >= earlier.attempt
}
