/**
 * Moves that people and programs make from outside: pause, resume, cancel, delete data, retry. Each reads the run,
 * checks that its state allows the move, and commits over exactly the version it read. If the run has moved meanwhile,
 * it looks again: a controller never overwrites progress that it has not seen.
 */
import { Contention, IllegalMove, InvalidArgument, StaleVersion } from '../errors.ts'
import { shown } from '../model/option-check.ts'
import type { RunRecord } from '../model/run-record.ts'
import { isFinished, isLegalMove, type RunState } from '../model/run-state.ts'
import type { TimerOp } from '../model/timer.ts'
import type { EngineContext } from './engine-context.ts'
import { find } from './find-run.ts'
import { Ids } from './ids.ts'
import { assertKey, assertRunId, trigger, type TriggerInput } from './trigger.ts'
import { changeState, committedRecord, parentWake } from './transition.ts'

export interface AuditInput {
  readonly reason: string
  readonly actor: string
  readonly ifVersion?: number
}

/** How often somebody else may win before a move from outside gives up. */
export const triesMax = 32

export type Controlled = 'Paused' | 'Running' | 'Cancelled' | 'RequestedDataDeleted'

const verbs: { readonly [State in Controlled]: string } = {
  Paused: 'pause',
  Running: 'resume',
  Cancelled: 'cancel',
  RequestedDataDeleted: 'delete the data of',
}

export async function control(ctx: EngineContext, runId: string, to: Controlled, audit: AuditInput, signal: AbortSignal): Promise<void> {
  assertRunId(ctx, runId)
  assertAudit(ctx, verbs[to], audit)
  for (let tries = 0; tries < triesMax; tries++) {
    const record = await find(ctx, runId)
    assertVersion(ctx, record, audit)
    // A pause of the engine's becomes the person's: it must not end by itself any more.
    const taken = to === 'Paused' && record.pause?.by === 'engine'
    if (record.runState === to && to !== 'Running' && !taken) return
    const legal = taken || (to === 'Running' ? record.runState === 'Paused' : isLegalMove(record.runState, to))
    if (!legal) throw new IllegalMove(illegal(ctx, record, to), { details: { runId, runState: record.runState } })
    if (await move(ctx, record, to, audit, signal)) return
  }
  throw new Contention(`run ${runId} of workflow '${ctx.contract.name}' kept moving while it was to ${verbs[to]}: try again`, {
    details: { runId },
  })
}

async function move(ctx: EngineContext, record: RunRecord, to: Controlled, audit: AuditInput, signal: AbortSignal): Promise<boolean> {
  const id = ctx.ids.unit()
  const reason = await ctx.codec.encodeReason(audit.reason, record)
  const change = changeState(
    ctx,
    id,
    record,
    to,
    { by: 'person', attempt: 1, actor: audit.actor, reason },
    to === 'Paused' ? { pause: { by: 'person', actor: audit.actor, reason } } : {},
  )
  const wake = isFinished(to) && !isFinished(record.runState) ? parentWake(ctx, record) : undefined
  const sentAt = ctx.clock.monotonic()
  const result = await ctx.committer.commit(
    { id, changes: [change], timers: timersOf(record, to), ...(wake === undefined ? undefined : { emit: [wake] }) },
    signal,
  )
  ctx.cache.forget(record)
  if (!result.ok) return false
  ctx.measures.moved('control', record.runState, change)
  const [seq] = result.seqs
  if (seq !== undefined) ctx.committed.notify(committedRecord(change, seq), sentAt)
  return true
}

/** Pausing holds what would come due, resuming lets it go on, and a finished run waits for nothing. */
function timersOf(record: RunRecord, to: Controlled): readonly TimerOp[] {
  const resume: TimerOp = { settle: { kind: 'resume', owner: record.runId, epoch: record.version, name: 'resume' }, as: 'cancelled' }
  if (to === 'Paused') return [resume, { hold: record.runId }]
  if (to === 'Running') return [resume, { release: record.runId }]
  return to === 'Cancelled' ? [{ cancelOwner: record.runId }] : []
}

export interface RetryInput extends Partial<TriggerInput> {
  readonly audit?: AuditInput
  readonly key?: string
}

/**
 * A finished run once more: a new run of the same foreign id, with what the old one ended with unless told otherwise. With a
 * key its id follows from that, so that whoever lost the answer, or died over it, asks again and starts no second one.
 */
export async function retry(ctx: EngineContext, runId: string, options: RetryInput, signal: AbortSignal): Promise<string> {
  assertRunId(ctx, runId)
  const { audit, key } = options
  if (audit !== undefined) assertAudit(ctx, 'retry', audit)
  assertKey(ctx, 'retry', key)
  const newId = key === undefined ? undefined : Ids.derived('retry', runId, key)
  if (newId !== undefined && (await ctx.store.lookup(newId))?.workflowName === ctx.contract.name) return newId
  const record = await find(ctx, runId)
  if (audit !== undefined) assertVersion(ctx, record, audit)
  if (record.runState !== 'Completed' && record.runState !== 'Cancelled') {
    throw new IllegalMove(
      `run ${runId} of workflow '${ctx.contract.name}' is ${record.runState}: only a completed or cancelled run can be tried again`,
      { details: { runId, runState: record.runState } },
    )
  }
  const initialValue = 'initialValue' in options ? options.initialValue : await ctx.codec.decodeInput(record.object, record)
  const traceparent = options.traceparent ?? record.traceparent
  return await trigger(
    ctx,
    record.foreignId,
    {
      initialValue,
      metadata: options.metadata ?? record.metadata,
      ...(options.startAt === undefined ? undefined : { startAt: options.startAt }),
      ...(traceparent === undefined ? undefined : { traceparent }),
    },
    signal,
    newId,
    audit,
  )
}

function illegal(ctx: EngineContext, record: RunRecord, to: Controlled): string {
  const allowed: { readonly [State in Controlled]: readonly RunState[] } = {
    Paused: ['Initiated', 'Running'],
    Running: ['Paused'],
    Cancelled: ['Initiated', 'Running', 'Paused'],
    RequestedDataDeleted: ['Completed', 'Cancelled'],
  }
  return `cannot ${verbs[to]} run ${record.runId} of workflow '${ctx.contract.name}': it is ${record.runState}, and must be ${allowed[to].join(' or ')}`
}

/** Throws `InvalidArgument` unless it says why, and who. */
export function assertAudit(ctx: EngineContext, verb: string, audit: unknown): void {
  const given = typeof audit === 'object' && audit !== null ? (audit as Partial<AuditInput>) : {}
  const { reason, actor, ifVersion } = given
  if (typeof reason !== 'string' || typeof actor !== 'string' || !actor.isWellFormed() || actor.includes('\0'))
    throw new InvalidArgument(`to ${verb} a run of workflow '${ctx.contract.name}', say { reason, actor }: why, and who`)
  if (ifVersion !== undefined && (!Number.isSafeInteger(ifVersion) || ifVersion < 1))
    throw new InvalidArgument(`to ${verb} a run of workflow '${ctx.contract.name}', ifVersion must be a version; got ${shown(ifVersion)}`)
}

/** Throws `StaleVersion` if the run is not where the actor has seen it. */
export function assertVersion(ctx: EngineContext, record: RunRecord, audit: AuditInput): void {
  if (audit.ifVersion === undefined || audit.ifVersion === record.version) return
  throw new StaleVersion(
    `run ${record.runId} of workflow '${ctx.contract.name}' has moved: it was looked at in version ${audit.ifVersion}, and is ${record.runState} at '${record.status}' in version ${record.version} now; look again`,
    { details: { runId: record.runId, version: record.version, status: record.status, runState: record.runState } },
  )
}
