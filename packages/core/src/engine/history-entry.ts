import type { HistoryEntry } from '../model/history-entry.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { RunHistoryEntry } from '../run-history.ts'
import type { EngineContext } from './engine-context.ts'

/** A stored entry as users see it. */
export async function historyEntryOf(ctx: EngineContext, record: RunRecord, entry: HistoryEntry): Promise<RunHistoryEntry> {
  // What a move keeps of failures before it is not why it was made.
  const error = entry.by === 'engine' ? await ctx.codec.decodeError(entry.error, record) : undefined
  const failures = await ctx.codec.decodeFailures(entry.error, record)
  const gone = entry.object === undefined || entry.object.codec === 'tombstone' || record.runState === 'DataDeleted'
  return {
    version: entry.version,
    ...(entry.from === undefined ? undefined : { from: entry.from }),
    to: entry.to,
    states: entry.states,
    by: entry.by,
    at: entry.at,
    attempt: entry.attempt,
    ...(entry.durationMs === undefined ? undefined : { durationMs: entry.durationMs }),
    instance: entry.instance,
    ...(entry.actor === undefined ? undefined : { actor: entry.actor }),
    ...(entry.reason === undefined ? undefined : { reason: await ctx.codec.decodeReason(entry.reason, record) }),
    ...(error === undefined ? undefined : { error }),
    ...(failures.length === 0 ? undefined : { failures }),
    ...(gone || entry.object === undefined ? undefined : { object: await ctx.codec.decodeObject(entry.object, record) }),
  }
}
