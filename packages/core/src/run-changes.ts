import type { RunState } from './model/run-state.ts'

/** A run has moved. */
export interface RunChange {
  readonly runId: string
  readonly foreignId: string
  readonly version: number
  /** Absent where the status stayed. */
  readonly from?: string
  readonly status: string
  /** The run state after it. */
  readonly state: RunState
  readonly at: Date
}

/** A consumer of a workflow's events, and how much it has before it. */
export interface ConsumerLag {
  /** E.g. `'orders/runs'`, which does the runs' own work, or `'orders/hook complete'`. */
  readonly name: string
  /** Events that were sent and not acknowledged. May be approximate. */
  readonly events: number
  /** When the oldest of them was sent. */
  readonly oldest?: Date
}
