import type { Random } from '../ports/random.ts'

/** The options of one process, merged and checked. */
export interface ResolvedProcessOptions {
  /** How many handlers of the process run at once in this instance. */
  readonly parallelCount: number
  readonly pollingFrequencyMs: number
  readonly lagAlertMs: number
  readonly consumeLagMs: number
  /** Infinity = never. */
  readonly pauseAfterErrCount: number
  /** Infinity = none. */
  readonly deadlineMs: number
  /** How long to wait after the `attempt`-th failure, from 1. */
  readonly backOffMs: (attempt: number, error: unknown, now: number, random: Random) => number
}
