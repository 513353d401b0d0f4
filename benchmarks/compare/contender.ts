/** What takes part in the comparison: something that runs jobs of three steps, made to look alike. */

/** The object that a run carries. Each step adds one to `handled`. */
export type Job = {
  readonly n: number
  readonly customer: string
  readonly amount: number
  readonly handled: number
}

/** A run is known by a number from 0; it is what handlers tell the tally. */
export function jobOf(n: number): Job {
  return { n, customer: `customer-${n % 1_000}`, amount: (n % 977) + 0.5, handled: 0 }
}

export function handled(job: Job): Job {
  return { ...job, handled: job.handled + 1 }
}

/** What a contender tells, from inside its handlers and at its commits. */
export interface Witness {
  /** A handler of a run's step, 0 to 2, is called. */
  stepped(n: number, step: number): void
  /** The run's completion is committed. Without a number where that is known only of some run. */
  completed(n?: number): void
  /** Nothing more can be expected. */
  failed(error: unknown): void
}

/** What a reader of the figures must know. */
export interface Facts {
  /** Name and version of what was measured. */
  readonly version: string
  /** How many handler calls a run may take where nothing fails. */
  readonly promise: 'exactly once' | 'at least once'
  /** What one step commits, and with what. */
  readonly commits: string
  /** The settings that differ from the defaults. */
  readonly settings: string
  /** How the completion of a run is seen, so that the clock stops at the same moment for everybody. */
  readonly observed: string
}

/** Once started it works until it is disposed of. */
export interface Contender extends AsyncDisposable {
  /**
   * Hands over runs, in one call where the contender has a call for many. Resolves when all of them are durably accepted.
   * `named` says that completions must be told by number; else a count will do.
   */
  start(runs: readonly number[], named: boolean): Promise<void>
  /** How many runs its own storage holds that have begun and are not completed, failed ones included. */
  unfinished(): Promise<number>
}

/** What a module of a contender exports. */
export interface ContenderModule {
  readonly facts: Facts
  open(url: string, witness: Witness): Promise<Contender>
}
