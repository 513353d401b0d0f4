import type { AttemptNote } from './attempt-note.ts'
import type { Payload } from './payload.ts'
import type { RunState } from './run-state.ts'

/** The stored row of one run. */
export interface RunRecord {
  readonly workflowName: string
  readonly foreignId: string
  readonly runId: string
  /** Given by the store when the run is created; grows, so that `latest` never trusts a clock. */
  readonly seq: bigint
  /** 1 at creation, +1 per transition, changed by nothing else. */
  readonly version: number
  readonly status: string
  readonly runState: RunState
  /** The last entry into `status`, by edge, self-loop or rewind. Survives pause and resume; timers and idempotency keys belong to it. */
  readonly entered: { readonly version: number; readonly at: Date }
  /** How often the step of this stay asked for `saveAndRepeat`. */
  readonly repeat: number
  readonly object: Payload
  readonly metadata: Readonly<Record<string, string>>
  /** Fingerprint of the graph and schema version of the code that wrote this version: lets older code recognise newer rows. */
  readonly writer: { readonly graph: string; readonly schema: number }
  /** The run that started this one, and which of its stays waits for it. */
  readonly parent?: RunParent
  /** Present exactly while `runState` is `Paused`. */
  readonly pause?: RunPause
  /** W3C trace context given at the trigger. */
  readonly traceparent?: string
  readonly createdAt: Date
  readonly updatedAt: Date
  /** Present exactly when the run is finished: when it became `Completed` or `Cancelled`. */
  readonly finishedAt?: Date
  /** Notes of the current version only. Absent when there are none. */
  readonly attempts?: readonly AttemptNote[]
}

/** Where a child run reports to. */
export interface RunParent {
  readonly workflowName: string
  readonly runId: string
  /** Names the parent's stay: `<status>/<version at entry>`. */
  readonly join: string
}

/** Why a run is paused. The engine resumes what it paused itself; a person's pause stays. */
export interface RunPause {
  readonly by: 'person' | 'engine'
  readonly actor?: string
  readonly reason: Payload
  /** When the engine will resume the run by itself. */
  readonly resumeAt?: Date
}
