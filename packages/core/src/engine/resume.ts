import type { RunRecord } from '../model/run-record.ts'
import type { Timer } from '../model/timer.ts'
import { again, done, type Verdict } from './run-task.ts'
import { changeState, committedRecord } from './transition.ts'
import type { WorkerContext } from './worker-context.ts'

/** Ends a pause of the engine's own, once its time has come. A pause by a person, or a later one, is left alone. */
export async function resumeByTimer(ctx: WorkerContext, record: RunRecord, timer: Timer, signal: AbortSignal): Promise<Verdict> {
  const id = ctx.ids.unit()
  if (record.pause?.by !== 'engine' || timer.key.epoch !== record.version) {
    await ctx.committer.commit({ id, timers: [{ settle: timer.key, as: 'cancelled' }] }, signal)
    return done
  }
  const change = changeState(ctx, id, record, 'Running', { by: 'engine', attempt: 1 })
  const sentAt = ctx.clock.monotonic()
  const result = await ctx.committer.commit(
    { id, changes: [change], timers: [{ settle: timer.key, as: 'completed' }, { release: record.runId }] },
    signal,
  )
  if (!result.ok) return again
  ctx.timersChanged([{ release: record.runId }])
  ctx.measures.moved('timers', record.runState, change)
  const [seq] = result.seqs
  if (seq === undefined) return done
  const next = committedRecord(change, seq)
  ctx.cache.put(next, sentAt)
  ctx.committed.notify(next, sentAt)
  return { kind: 'next', record: next }
}
