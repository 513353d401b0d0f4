import { isWorkflowError } from '../errors.ts'
import type { Payload } from '../model/payload.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { AnySnapshot } from '../run.ts'
import type { EngineContext } from './engine-context.ts'
import { tombstone } from './object-codec.ts'

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

/** The same for a list, which one object that cannot be read must not spoil: that run comes without it. */
export async function listedSnapshotOf(ctx: EngineContext, record: RunRecord): Promise<AnySnapshot> {
  try {
    return await snapshotOf(ctx, record)
  } catch (error) {
    if (!isWorkflowError(error) || error.retryable) throw error
    ctx.logger.warn(
      { workflow: record.workflowName, runId: record.runId, foreignId: record.foreignId, error },
      'listing a run without its object, which cannot be read',
    )
    return await snapshotOf(ctx, record, tombstone)
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
