import type { Payload } from '../model/payload.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { AnySnapshot } from '../run.ts'
import type { EngineContext } from './engine-context.ts'

/** A record as users see it, its object decoded; without an object once its data is deleted. */
export async function snapshotOf(ctx: EngineContext, record: RunRecord, object: Payload = record.object): Promise<AnySnapshot> {
  const decoded = record.runState === 'DataDeleted' || object.codec === 'tombstone' ? undefined : { object: await ctx.codec.decodeObject(object, record) }
  return {
    workflowName: record.workflowName,
    runId: record.runId,
    foreignId: record.foreignId,
    status: record.status,
    state: record.runState,
    version: record.version,
    metadata: record.metadata,
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    enteredAt: record.entered.at,
    ...(record.finishedAt === undefined ? undefined : { finishedAt: record.finishedAt }),
    ...decoded,
  }
}
