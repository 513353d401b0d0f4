import type { Payload } from './payload.ts'
import type { RunState } from './run-state.ts'

/** What made a run move. */
export type MovedBy = 'trigger' | 'step' | 'callback' | 'timeout' | 'join' | 'person' | 'engine'

/** One per version, unique by (runId, version): the audit, the timeline, and the memory of which unit wrote it. */
export interface HistoryEntry {
  readonly runId: string
  readonly version: number
  /** The unit that committed this version: the same unit sent again is recognised by it. */
  readonly unitId: string
  /** Absent at creation. */
  readonly from?: string
  readonly to: string
  /** The path of run states of this commit, first to last. */
  readonly states: readonly RunState[]
  readonly by: MovedBy
  readonly at: Date
  /** The attempt that succeeded, from 1. */
  readonly attempt: number
  readonly durationMs?: number
  readonly instance: string
  readonly actor?: string
  readonly reason?: Payload
  readonly error?: Payload
  /** The object as of this version; absent when object history is switched off. */
  readonly object?: Payload
}
