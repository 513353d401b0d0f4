import type { RunRecord } from '../model/run-record.ts'
import { isFinished } from '../model/run-state.ts'
import { runFields } from './log-fields.ts'
import type { RunTask } from './run-task.ts'
import type { HeldSlot } from './slots.ts'
import { eventAgain } from './transition.ts'
import { sleep } from './waiting.ts'
import type { WorkerContext } from './worker-context.ts'

/** How often and how long a look-up waits for a record that its event is ahead of. */
const behindTries = 3
const behindMs = 100

/** The record of a task's run, no older than its event. Undefined: there is none, or the event is of a future that was taken back. */
export async function readRecord(ctx: WorkerContext, task: RunTask, held: HeldSlot): Promise<RunRecord | undefined> {
  for (let tries = 0; ; tries++) {
    const record = await ctx.store.lookup(task.lane)
    if (record !== undefined && record.version >= task.version) return record
    if (task.cause === 'timer' || tries >= behindTries) {
      if (record !== undefined) await sayAgain(ctx, task, record)
      return undefined
    }
    await sleep(ctx.clock, behindMs, held.signal)
  }
}

/** An event from a future that a failover has taken back: what is stored counts, and says so again. */
async function sayAgain(ctx: WorkerContext, task: RunTask, record: RunRecord): Promise<void> {
  ctx.logger.error({ ...runFields(record, 'runs'), eventVersion: task.version }, 'an event is newer than the stored run: dropping it')
  ctx.measures.skipped('runs', 'record is older')
  if (!isFinished(record.runState))
    await ctx.committer.commit(
      { id: ctx.ids.unit(), emit: [eventAgain(ctx, record, 'reemit')] },
      ctx.slotKeeper.valid(task.slot)?.signal ?? ctx.stopping,
    )
}
