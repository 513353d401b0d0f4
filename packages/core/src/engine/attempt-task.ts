import type { RunRecord } from '../model/run-record.ts'
import type { PendingCallback } from './callback-item.ts'
import type { HandlerRun } from './handler-run.ts'
import type { Lane } from './lanes.ts'
import type { Process } from './process.ts'
import type { RunTask } from './run-task.ts'
import type { HeldSlot } from './slots.ts'
import type { WorkerContext } from './worker-context.ts'

/** What an attempt is about: which run, by which process, under which lease, and what there is to do. */
export interface Attempt {
  readonly ctx: WorkerContext
  readonly process: Process
  readonly held: HeldSlot
  readonly record: RunRecord
  readonly task: RunTask
  readonly lane: Lane<RunTask>
  readonly kind: 'step' | 'callback' | 'timeout' | 'join'
  readonly invoke: (run: HandlerRun) => Promise<unknown>
  /** The callback that is being handled. */
  readonly item?: PendingCallback
}

/** For what is done about a run without any handler of the user's. */
export const noHandler = (): Promise<unknown> => Promise.resolve()
