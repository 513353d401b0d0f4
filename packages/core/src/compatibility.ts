/** Whether stored runs can go on under a graph: what `compatibility()` is asked and what it answers. */

/** How closely to look, and how many runs to name. */
export interface CompatibilityOptions {
  /**
   * How many runs of each status are looked into one by one, for timers, callbacks, children and the version of their
   * writer: half of them the oldest, half the newest. `'all'` looks into every unfinished run, which takes time, not
   * memory. The statuses themselves are compared for all runs in any case.
   * @default 1000
   */
  readonly inspect?: number | 'all'
  /**
   * How many run ids each finding names at most; 0 to 1,000.
   * @default 10
   */
  readonly samples?: number
  /** Rejects with its reason when aborted. */
  readonly signal?: AbortSignal
}

/** What the unfinished runs of one workflow need and this code has or lacks. */
export interface Compatibility {
  readonly workflowName: string
  /** Nothing was found that would strand a run. */
  readonly ok: boolean
  /** Whether the store has any run of this workflow, finished ones included. If it should, and has not, ask whether it is the right store. */
  readonly known: boolean
  /** How many unfinished runs there are. */
  readonly unfinished: number
  /** How many of those at statuses that this code handles were looked into. */
  readonly inspected: number
  /** Whether that was every one of them. */
  readonly complete: boolean
  /** By status, in the order of the graph, statuses that it lacks last. A run can be in several. */
  readonly stranded: readonly StrandedRuns[]
}

/** Unfinished runs of one status that lack one thing. */
export interface StrandedRuns {
  /** Where the runs are. */
  readonly status: string
  readonly reason: StrandedReason
  /** Of what is missing: the timeout, the status that the callback was sent to, the workflow of the children, the schema version. */
  readonly name?: string
  readonly count: number
  /** Not all runs of the status were looked into: there may be more than `count`. */
  readonly atLeast: boolean
  /** Some of them. */
  readonly runIds: readonly string[]
  /** What is wrong and what can be done, in words for people. */
  readonly text: string
}

/**
 * `status-gone`: the graph no longer has the status. `status-terminal`: nothing leaves it any more. `timeout-gone`: a
 * timer waits for a timeout that the status no longer has. `timer-missing`: only timeouts leave the status, and the run
 * came there before they did. `callback-gone`: a callback waits in the inbox for a status that takes none. `join-gone`:
 * the run has started children that nothing joins. `schema-newer`: code with a higher `schemaVersion` has written the run.
 */
export type StrandedReason =
  | 'status-gone'
  | 'status-terminal'
  | 'timeout-gone'
  | 'timer-missing'
  | 'callback-gone'
  | 'join-gone'
  | 'schema-newer'
