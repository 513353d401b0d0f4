/**
 * Carries out a request to delete a run's data: every payload that the store has of it is replaced, then the run says
 * so. If the process dies in between, the request's event comes again and everything is done once more.
 */
import type { Payload } from '../model/payload.ts'
import type { RunRecord } from '../model/run-record.ts'
import { slotOf } from '../model/slot.ts'
import type { Timer } from '../model/timer.ts'
import type { PayloadPlace } from '../ports/record-store.ts'
import { scrubbedMark, tombstone } from './object-codec.ts'
import { again, done, type Verdict } from './run-task.ts'
import { changeState, committedRecord } from './transition.ts'
import { processNames, processOf, type WorkerContext } from './worker-context.ts'

export async function deleteData(ctx: WorkerContext, record: RunRecord, retry: Timer | undefined, signal: AbortSignal): Promise<Verdict> {
  const scrub = async (payload: Payload, place: PayloadPlace): Promise<Payload> => {
    if (payload.codec === tombstone.codec || payload.codec.endsWith(scrubbedMark)) return payload
    const custom = ctx.definition.customDelete
    if (place.kind !== 'object' || custom === undefined) return tombstone
    const object = await ctx.codec.decodeObject(payload, record)
    const { deadlineMs } = processOf(ctx, processNames.deletion).options
    const result = await ctx.executions.within(slotOf(record.runId, ctx.slots), deadlineMs, async () => await custom(object))
    const encoded = await ctx.codec.encode(result, record)
    return { ...encoded, codec: `${encoded.codec}${scrubbedMark}` }
  }
  await ctx.store.rewrite(record.runId, scrub)
  const current = await ctx.store.lookup(record.runId)
  if (current === undefined || current.version !== record.version) return again
  const id = ctx.ids.unit()
  const change = changeState(ctx, id, current, 'DataDeleted', { by: 'engine', attempt: 1 })
  const sentAt = ctx.clock.monotonic()
  const result = await ctx.committer.commit(
    { id, changes: [change], ...(retry === undefined ? undefined : { timers: [{ settle: retry.key, as: 'completed' }] }) },
    signal,
  )
  ctx.cache.forget(record)
  if (!result.ok) return again
  ctx.measures.moved(processNames.deletion, current.runState, change)
  const [seq] = result.seqs
  if (seq !== undefined) ctx.committed.notify(committedRecord(change, seq), sentAt)
  return done
}
