import { isWorkflowError } from '../errors.ts'
import type { Payload } from '../model/payload.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { AnySnapshot } from '../run.ts'
import type { EngineContext } from './engine-context.ts'

/** A record as users see it, its object decoded; without an object once its data is deleted. */
export async function snapshotOf(ctx: EngineContext, record: RunRecord, object: Payload = record.object): Promise<AnySnapshot> {
  const decoded = record.runState === 'DataDeleted' || object.codec === 'tombstone' ? undefined : await readable(ctx, record, object)
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

/** A forgotten key hides one run's object; it must not hide the run, or the list that the run is in. */
async function readable(ctx: EngineContext, record: RunRecord, object: Payload): Promise<{ readonly object: unknown } | undefined> {
  try {
    return { object: await ctx.codec.decodeObject(object, record) }
  } catch (error) {
    if (isWorkflowError(error, 'Shredded')) return undefined
    throw error
  }
}
