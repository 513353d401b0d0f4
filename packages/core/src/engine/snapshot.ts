import { isWorkflowError } from '../errors.ts'
import type { Payload } from '../model/payload.ts'
import type { RunParent, RunPause, RunRecord } from '../model/run-record.ts'
import type { AnySnapshot, RunParentInfo, RunPauseInfo } from '../run.ts'
import type { EngineContext } from './engine-context.ts'
import { runFields } from './log-fields.ts'
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
    ...(record.pause === undefined ? undefined : { pause: await pauseOf(ctx, record, record.pause) }),
    ...(record.parent === undefined ? undefined : { parent: parentOf(record.parent) }),
    ...(record.traceparent === undefined ? undefined : { traceparent: record.traceparent }),
    ...decoded,
  }
}

async function pauseOf(ctx: EngineContext, record: RunRecord, pause: RunPause): Promise<RunPauseInfo> {
  const { by, actor, resumeAt } = pause
  return {
    by,
    ...(actor === undefined ? undefined : { actor }),
    reason: await ctx.codec.decodeReason(pause.reason, record),
    ...(resumeAt === undefined ? undefined : { resumeAt }),
  }
}

function parentOf({ workflowName, runId, join }: RunParent): RunParentInfo {
  return { workflowName, runId, status: join.slice(0, join.lastIndexOf('/')) }
}

/** The same for a list, which one object that cannot be read must not spoil: that run comes without it. */
export async function listedSnapshotOf(ctx: EngineContext, record: RunRecord): Promise<AnySnapshot> {
  try {
    return await snapshotOf(ctx, record)
  } catch (error) {
    if (isWorkflowError(error) && error.retryable) throw error
    ctx.logger.warn({ ...runFields(record, 'client'), error }, 'listing a run without its object, which cannot be read')
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
