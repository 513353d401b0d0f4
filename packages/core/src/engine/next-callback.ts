import { isWorkflowError } from '../errors.ts'
import type { RunRecord } from '../model/run-record.ts'
import { slotOf } from '../model/slot.ts'
import { type Attempt, noHandler } from './attempt-task.ts'
import { type CallbackBody, callbackUnitId, type PendingCallback } from './callback-item.ts'
import { fail } from './failure.ts'
import { runFields } from './log-fields.ts'
import { again, type Verdict } from './run-task.ts'
import { eventAgain } from './transition.ts'
import { callbackStream, processNames, processOf, type WorkerContext } from './worker-context.ts'

/** The next callback of a run, or what came of one that cannot be read: like an object that cannot, it pauses the run. */
export async function nextCallback(look: Omit<Attempt, 'process' | 'kind' | 'invoke'>): Promise<PendingCallback | Verdict | undefined> {
  const { ctx, record } = look
  try {
    return await pendingCallback(ctx, record)
  } catch (error) {
    if (!isWorkflowError(error, 'StoreCorrupt') && !isWorkflowError(error, 'Shredded')) throw error
    const process = processOf(ctx, processNames.callback(record.status))
    const a: Attempt = { ...look, process, kind: 'callback', invoke: noHandler }
    return await fail(a, { count: 1, startedAt: ctx.clock.now(), error, fatal: true })
  }
}

/** The next callback for this stay. Those that were meant for an earlier stay are taken out of the way. */
async function pendingCallback(ctx: WorkerContext, record: RunRecord): Promise<PendingCallback | Verdict | undefined> {
  const stream = callbackStream(record.status)
  for (;;) {
    const page = await ctx.store.items(record.runId, stream, { limit: 1 })
    const stored = page.items[0]
    if (stored === undefined) return undefined
    const body = (await ctx.codec.decode(stored.body, record, 'item')) as CallbackBody | undefined
    if (body !== undefined && (body.entered === undefined || body.entered === record.entered.version)) return { stored, body }
    // Accepted for a later stay: it is the record that is over, because somebody else has moved the run.
    if (body?.entered !== undefined && body.entered > record.entered.version) return again
    ctx.logger.warn(
      { ...runFields(record, processNames.callback(record.status)), callback: stored.id, status: record.status },
      'refusing a callback for a stay that is over',
    )
    await ctx.committer.commit(
      {
        id: callbackUnitId(record.runId, stored.id, 0),
        consume: [{ runId: record.runId, stream, through: stored.pos }],
        emit: [eventAgain(ctx, record, 'wake')],
      },
      ctx.slotKeeper.valid(slotOf(record.runId, ctx.slots))?.signal ?? ctx.stopping,
    )
  }
}
