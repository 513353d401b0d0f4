/**
 * What happens after a failed attempt: try again soon in place, later by a timer, or pause the run. The attempt is
 * written down first, so that counts survive a crash. A lost lease and a shutdown are not attempts.
 */
import { isWorkflowError, WorkflowError } from '../errors.ts'
import type { FailedAttempt } from '../explanation.ts'
import type { AttemptNote } from '../model/attempt-note.ts'
import type { Payload } from '../model/payload.ts'
import type { Timer, TimerOp } from '../model/timer.ts'
import type { Unit } from '../model/unit.ts'
import type { Attempt } from './attempt-task.ts'
import { noteOf } from './attempt-notes.ts'
import { boundLogger } from './handler-run.ts'
import { runFields, traceFields } from './log-fields.ts'
import { readableError } from './readable-error.ts'
import { again, done, leave, type Verdict } from './run-task.ts'
import { changeState, committedRecord, eventAgain } from './transition.ts'
import type { WorkerContext } from './worker-context.ts'

export interface Failure {
  /** Which attempt failed, from 1. */
  readonly count: number
  readonly startedAt: number
  readonly error: unknown
  /** Trying again cannot help. */
  readonly fatal: boolean
  /** Of the span around the handler. */
  readonly traceparent?: string | undefined
}

export async function fail(a: Attempt, failure: Failure): Promise<Verdict> {
  const { ctx, process, record, held } = a
  const { count } = failure
  const error = readableError(failure.error)
  if (
    (isWorkflowError(error, 'LeaseLost') && held.signal.aborted) ||
    (isWorkflowError(error, 'Stopped') && ctx.stopping.aborted) ||
    !held.lease.isValid()
  )
    return leave
  ctx.instrumentation.count('workflow_process_error_count', 1, process.labels)
  const logger = loggerOf(a, count, failure.traceparent ?? record.traceparent)
  if (failure.fatal || count >= process.options.pauseAfterErrCount) {
    logger.error(
      { error },
      failure.fatal ? 'the attempt failed and trying again cannot help; pausing the run' : 'the attempt failed too often; pausing the run',
    )
    return await pauseByEngine(a, count, error, true, failure.startedAt)
  }
  const now = ctx.clock.now()
  const delayMs = process.options.backOffMs(count, error, now, ctx.random)
  logger.warn({ error, retryInMs: delayMs }, 'the attempt failed; trying again')
  const retryAt = new Date(now + delayMs)
  const note: AttemptNote = {
    runId: record.runId,
    version: record.version,
    process: process.name,
    kind: 'failed',
    attempt: count,
    startedAt: new Date(failure.startedAt),
    error: await encodedError(a, count, error, failure.startedAt),
    retryAt,
    instance: ctx.instance,
  }
  const inPlace = a.lane.waitedMs + delayMs <= ctx.retryInPlaceMs && mayPark(ctx)
  const unit: Unit = {
    id: ctx.ids.unit(),
    attempts: [note],
    ...(inPlace ? undefined : { timers: retryTimers(a, retryAt, count) }),
    // Whoever waits for this callback learns of the failure by this.
    ...(a.item?.body.wait === true ? { emit: [eventAgain(ctx, record, 'wake')] } : undefined),
  }
  ctx.cache.forget(record)
  await ctx.committer.commit(unit, held.signal)
  if (!inPlace) {
    ctx.timersChanged(unit.timers ?? none)
    return done
  }
  a.lane.waitedMs += delayMs
  return await park(a, delayMs)
}

/** The error of an attempt, with those that have failed before it at this version. */
async function encodedError(a: Attempt, attempt: number, error: unknown, startedAt: number): Promise<Payload> {
  const { ctx, process, record } = a
  const durationMs = Math.max(0, ctx.clock.now() - startedAt)
  const made = { process: process.name, attempt, startedAt: new Date(startedAt), durationMs, instance: ctx.instance }
  return await ctx.codec.encodeError(error, record, made, await earlierFailures(a))
}

/** What cannot be read of them must not stand in the way of counting this one. */
async function earlierFailures({ ctx, process, record }: Attempt): Promise<readonly FailedAttempt[]> {
  const note = noteOf(record, process.name)
  if (note?.kind !== 'failed') return []
  try {
    return await ctx.codec.decodeFailures(note.error, record)
  } catch (error) {
    if (isWorkflowError(error) && error.retryable) throw error
    return []
  }
}

/** Pauses the run with its error as the reason. `resume`: the engine tries again by itself after a while. */
export async function pauseByEngine(
  a: Attempt,
  count: number,
  error: unknown,
  resume: boolean,
  startedAt: number = a.ctx.clock.now(),
): Promise<Verdict> {
  const { ctx, record, held } = a
  const resumeAt = resume && ctx.autoResumeMs !== Infinity ? new Date(ctx.clock.now() + ctx.autoResumeMs) : undefined
  const reason = await ctx.codec.encodeReason(
    error instanceof WorkflowError || error instanceof Error
      ? `${a.process.name}: ${error.message}`
      : `${a.process.name}: ${String(error)}`,
    record,
  )
  const id = ctx.ids.unit()
  const change = changeState(
    ctx,
    id,
    record,
    'Paused',
    { by: 'engine', attempt: count, reason, error: await encodedError(a, count, error, startedAt) },
    {
      pause: { by: 'engine', reason, ...(resumeAt === undefined ? undefined : { resumeAt }) },
    },
  )
  const timers: TimerOp[] = [...settleRetry(a), { hold: record.runId }]
  if (resumeAt !== undefined) timers.push({ put: timerOf(a, 'resume', change.next.version, 'resume', resumeAt, 0) })
  const sentAt = ctx.clock.monotonic()
  const result = await ctx.committer.commit({ id, changes: [change], timers }, held.signal)
  ctx.cache.forget(record)
  if (!result.ok) return again
  ctx.timersChanged(timers)
  ctx.measures.moved(a.process.name, record.runState, change)
  const [seq] = result.seqs
  if (seq !== undefined) ctx.committed.notify(committedRecord(change, seq), sentAt)
  return done
}

/** Whether one more run may wait in its lane: most of the window is for those that have something to do. */
export function mayPark(ctx: WorkerContext): boolean {
  return ctx.lanes.parked < ctx.lanes.limit / 4
}

/** Comes back to the same version after a while, by a timer. No attempt was made, so none is counted. */
export async function putOff(a: Attempt, ms: number): Promise<Verdict> {
  const { ctx } = a
  const at = new Date(ctx.clock.now() + ms)
  const timers: readonly TimerOp[] =
    a.task.timer !== undefined
      ? [{ move: a.task.timer.key, at, attempt: a.task.timer.attempt }]
      : [{ put: timerOf(a, 'retry', a.record.version, `${a.process.name}#put off`, at, 0) }]
  await ctx.committer.commit({ id: ctx.ids.unit(), timers }, a.held.signal)
  ctx.timersChanged(timers)
  return done
}

/** Waits in the lane. Ends early when something newer about the run has come, when the slot goes, and at the stop. */
export async function park(a: Attempt, ms: number): Promise<Verdict> {
  const { ctx, lane } = a
  ctx.lanes.parked += 1
  const until = ctx.clock.monotonic() + ms
  try {
    for (;;) {
      const leftMs = until - ctx.clock.monotonic()
      if (ctx.stopping.aborted || !a.held.lease.isValid() || a.held.draining) return leave
      if (leftMs <= 0 || lane.queue.some((task, place) => task.version > a.record.version || (place >= lane.seen && task.cause === 'wake')))
        return again
      await lane.wake.wait(ctx.clock, leftMs, ctx.stopping)
    }
  } finally {
    ctx.lanes.parked -= 1
  }
}

const none: readonly TimerOp[] = []

/** A retry timer that brought the task here has done its work. */
export function settleRetry(a: Attempt): readonly TimerOp[] {
  const timer = a.task.timer
  return timer?.key.kind === 'retry' ? [{ settle: timer.key, as: 'completed' }] : none
}

function retryTimers(a: Attempt, retryAt: Date, count: number): readonly TimerOp[] {
  const timer = a.task.timer
  if (timer?.key.kind === 'timeout' && a.kind === 'timeout') return [{ move: timer.key, at: retryAt, attempt: count }]
  return [...settleRetry(a), { put: retryTimer(a, retryAt, count) }]
}

/** The timer of one attempt's retry: asked for twice, it is opened once. */
export function retryTimer(a: Attempt, retryAt: Date, count: number): Timer {
  return timerOf(a, 'retry', a.record.version, retryName(a.process.name, count, retryAt), retryAt, count)
}

/** How the timer of one attempt's retry is called: another one for each process of a run, and for each time that a count begins anew. */
export function retryName(process: string, count: number, retryAt: Date): string {
  return `${process}#${count}@${retryAt.getTime()}`
}

export function timerOf(a: Attempt, kind: 'retry' | 'resume', epoch: number, name: string, at: Date, count: number): Timer {
  return {
    key: { kind, owner: a.record.runId, epoch, name },
    workflowName: a.record.workflowName,
    slot: a.held.slot,
    at,
    held: false,
    attempt: count,
  }
}

function loggerOf(a: Attempt, count: number, traceparent: string | undefined): ReturnType<typeof boundLogger> {
  return boundLogger(a.ctx.logger, { ...runFields(a.record, a.process.name), attempt: count, ...traceFields(traceparent) })
}
