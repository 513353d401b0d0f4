import type { RunState } from './run-state.ts'

/** A page of a listing. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Give it as `after` for the following page; absent on the last one. Opaque. */
  readonly next?: string
}

/** Which page. */
export interface PageOptions {
  /** The `next` of the page before; absent for the first. A text that no page gave is an `InvalidArgument`. */
  readonly after?: string
  /** At most this many items, 1 to 1,000. A page may hold fewer and still have a `next`. */
  readonly limit: number
}

/** Which runs. Fields are combined with "and", the values of a list with "or"; an empty list matches nothing. */
export interface RunQuery {
  readonly workflowName?: string
  readonly foreignId?: string
  readonly status?: readonly string[]
  readonly runState?: readonly RunState[]
  /** Every pair must be in the run's metadata. */
  readonly metadata?: Readonly<Record<string, string>>
  readonly parent?: { readonly runId: string; readonly join?: string }
  /** `After` is inclusive, `Before` exclusive. */
  readonly createdAfter?: Date
  readonly createdBefore?: Date
  readonly updatedBefore?: Date
  /**
   * By `seq`. A record keeps its place while it changes, so paging never skips or repeats a run that stays in the query.
   * @default 'oldest'
   */
  readonly order?: 'oldest' | 'newest'
}
