import type { RunState } from './run-state.ts'

/**
 * Says that a run has something to do. Carries ids, never data: what is in a broker can't be scrubbed. Exactly one per
 * commit that changes a record; its JSON form is public and versioned by `v`.
 */
export interface RunEvent {
  readonly v: 1
  /**
   * `transition`: the record reached `version`. `wake`: look at the run, something beside its version changed.
   * `reemit`: the same version once more.
   */
  readonly kind: 'transition' | 'wake' | 'reemit'
  readonly workflowName: string
  readonly foreignId: string
  readonly runId: string
  readonly version: number
  /** Where the run came from; absent at creation and where the status stayed. */
  readonly previousStatus?: string
  readonly status: string
  /** The path of run states of this commit, first to last, e.g. Initiated, Running, Completed. */
  readonly states: readonly RunState[]
  /** Each topic that must receive the event. Order per run holds within a topic. */
  readonly topics: readonly string[]
  readonly slot: number
  readonly at: Date
  readonly traceparent?: string
}
