import type { Page, PageOptions } from '../model/run-query.ts'
import type { StoredTimer, Timer, TimerOp } from '../model/timer.ts'

/** Keeps what is due later. Operations inside a unit are atomic with its transition. */
export interface TimeoutStore {
  /** All of them or none, in order. Idempotent: see `TimerOp`. */
  readonly apply: (ops: readonly TimerOp[]) => Promise<void>
  /** Open, not held, `at` at or before `before`; by `at`, then by the order of their `put`. Settled or moved timers drop out of later pages. */
  readonly due: (query: DueQuery, page: PageOptions) => Promise<Page<Timer>>
  /** The earliest `at` of the open timers that are not held, past or future; undefined when there is none. */
  readonly nextExpiry: (query: SlotQuery) => Promise<Date | undefined>
  /** By the order of their `put`. */
  readonly list: (query: TimerQuery, page: PageOptions) => Promise<Page<StoredTimer>>
  /**
   * Calls back after this process has put, moved or released a timer, by whatever client of the same store; with when the
   * soonest of them comes due (`soonestOf`, in milliseconds since the epoch), or without where that is not known. May call back
   * for nothing.
   */
  readonly onChange?: (wake: (soonestMs?: number) => void) => Disposable
  /** `onChange` hears of every writer that there can be: nobody needs to poll. */
  readonly toldOfAll?: boolean
}

/** Timers of some slots of a workflow. */
export interface SlotQuery {
  readonly workflowName: string
  /** None matches nothing. */
  readonly slots: readonly number[]
}

/** Those of them that expire before a time. */
export interface DueQuery extends SlotQuery {
  readonly before: Date
}

/** Timers by workflow, owner and whether they are open. Absent fields match all. */
export interface TimerQuery {
  readonly workflowName?: string
  readonly owner?: string
  /** @default both */
  readonly status?: 'open' | 'settled'
}
