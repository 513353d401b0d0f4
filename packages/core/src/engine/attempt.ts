/**
 * One attempt at one handler: wait for a turn, run it, and hand what came of it to `settle` or `fail`. Nothing is written
 * between reading the run and the one commit at the end; a crash anywhere before that commit leaves the run as it was,
 * and its event or timer brings it back.
 */
import { isWorkflowError, LeaseLost } from '../errors.ts'
import type { AttemptNote } from '../model/attempt-note.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { Instrumentation } from '../ports/instrumentation.ts'
import { failuresOf, noteOf } from './attempt-notes.ts'
import type { Attempt } from './attempt-task.ts'
import type { Execution } from './execution.ts'
import { fail, pauseByEngine, putOff } from './failure.ts'
import { HandlerRun } from './handler-run.ts'
import { reportLag } from './lag.ts'
import { again, done, leave, type Verdict } from './run-task.ts'
import { settle } from './settle.ts'
import { spanOfRun } from './span-start.ts'

type Span = NonNullable<Instrumentation['span']>

/** Under this name a run is noted as having been in hand when a process may have died of it. */
const inHand = '(in hand)'
/** From so many suspicions on a run runs alone in its process. */
const aloneFrom = 2
/** After so many suspicions, three of them alone, it is paused for a person. */
const suspicionsMax = 5
/** How long a run that must be alone waits for the others to end, and when it tries again. */
const aloneMsMax = 10_000
const aloneAgainMs = 30_000
/** A record that has waited for its turn for longer than this is read again. */
const staleMs = 1_000

export function attempt(a: Attempt): Promise<Verdict> {
  // Nothing is known against this run: no notes, and nobody died here.
  if (a.record.attempts === undefined && a.held.careful === 0) return new Promise((answer) => inTurn(a, 1, answer))
  return warily(a)
}

/** Takes the verdict of an attempt, once. A callback, because a chain of promises per transition costs more than a small handler. */
type Answer = (verdict: Verdict | Promise<Verdict>) => void

async function warily(a: Attempt): Promise<Verdict> {
  const { process, record } = a
  const earlier = noteOf(record, process.name)
  if (earlier?.kind === 'skipped' && a.kind !== 'callback') return done
  const suspicions = noteOf(record, inHand)?.attempt ?? 0
  if (suspicions >= suspicionsMax)
    return await pauseByEngine(
      a,
      suspicions,
      new Error(
        `the process died ${suspicions} times while it had this run in hand, ${suspicions - aloneFrom} times with nothing else: something in '${process.name}' kills it`,
      ),
      false,
    )
  const alone = suspicions >= aloneFrom
  // Once per takeover after a death: an attempt that only fails says nothing about who kills whom.
  const suspect = a.held.lease.unclean && (a.held.careful > 0 || alone) && !a.held.suspected.has(versionOf(record))
  if (alone) return await runAlone(a, failuresOf(earlier) + 1, suspect ? suspicions + 1 : undefined)
  if (suspect && !(await noteSuspicion(a, suspicions + 1))) return leave
  return await new Promise((answer) => inTurn(a, failuresOf(earlier) + 1, answer))
}

/** Waits until nothing else runs, and only then writes the suspicion down: whoever waits with it has nothing to do with a death. */
async function runAlone(a: Attempt, count: number, suspicions: number | undefined): Promise<Verdict> {
  const { ctx, process } = a
  await process.gate.enter()
  if (!(await ctx.solitude.enterAlone(ctx.clock, aloneMsMax))) {
    process.gate.leave()
    return await putOff(a, aloneAgainMs)
  }
  let verdict: Verdict | undefined
  try {
    if (!stillOurs(a)) verdict = leave
    else if ((await ctx.store.lookup(a.record.runId))?.version !== a.record.version) verdict = again
    else if (suspicions !== undefined && !(await noteSuspicion(a, suspicions))) verdict = leave
  } catch (error) {
    ctx.solitude.leaveAlone()
    process.gate.leave()
    throw error
  }
  if (verdict === undefined) return await new Promise((answer) => run(a, count, true, answer))
  ctx.solitude.leaveAlone()
  process.gate.leave()
  return verdict
}

/** Takes a place in the gate of the process, and gives it back as soon as the handler is over: a commit needs none. */
function inTurn(a: Attempt, count: number, answer: Answer): void {
  const { ctx, process, held } = a
  const since = ctx.clock.monotonic()
  if (!process.gate.tryEnter()) process.gate.queue((entered) => (entered ? turnCame(a, count, since, answer) : answer(leave)), held.slot)
  else if (ctx.solitude.tryEnter()) run(a, count, false, answer, since)
  else answer(besides(a, count, since))
}

/** Waits until nobody runs alone any more, with a place in the gate in hand. */
async function besides(a: Attempt, count: number, since: number): Promise<Verdict> {
  await a.ctx.solitude.enter()
  a.ctx.solitude.leave()
  return await new Promise((answer) => turnCame(a, count, since, answer))
}

/** After a wait the slot may be gone, and the run may have been paused or moved. Ends the place in the gate, or runs in it. */
function turnCame(a: Attempt, count: number, since: number, answer: Answer): void {
  const { ctx, process } = a
  if (!stillOurs(a)) {
    process.gate.leave()
    return answer(leave)
  }
  if (ctx.clock.monotonic() - since >= staleMs) answer(lookedAgain(a, count))
  else if (ctx.solitude.tryEnter()) run(a, count, false, answer)
  else answer(besides(a, count, since))
}

async function lookedAgain(a: Attempt, count: number): Promise<Verdict> {
  const { ctx, process } = a
  const since = ctx.clock.monotonic()
  let record: RunRecord | undefined
  try {
    record = await ctx.store.lookup(a.record.runId)
  } catch (error) {
    process.gate.leave()
    throw error
  }
  if (record?.version !== a.record.version) {
    process.gate.leave()
    return again
  }
  const fresh = { ...a, record }
  return await new Promise((answer) => turnCame(fresh, count, Math.max(since, ctx.clock.monotonic() - staleMs + 1), answer))
}

function stillOurs(a: Attempt): boolean {
  return a.ctx.slotKeeper.open(a.held.slot) === a.held && a.held.lease.isValid()
}

/** Runs the handler, in the place that was taken for it. */
function run(a: Attempt, count: number, alone: boolean, answer: Answer, now = a.ctx.clock.monotonic()): void {
  const { ctx, record, process, held } = a
  // What was read on the way here may have taken longer than the role lasted. A lease in doubt is looked at again.
  if (held.signal.aborted || !held.lease.isValid()) {
    leavePlaces(a, alone)
    return answer(held.signal.aborted ? leave : again)
  }
  const execution = ctx.executions.start(held.slot, process.options.deadlineMs, now)
  reportLag(ctx, process, Math.max(0, ctx.clock.now() - a.task.at))
  const unread = (error: unknown): void => answer(finished(a, execution, undefined, undefined, { error }, count, alone))
  const start = (object: unknown): void => {
    const loaded = new HandlerRun(ctx, record, object, count, process.name, execution)
    const returned = (value: unknown): void => answer(finished(a, execution, loaded, value, undefined, count, alone))
    const failed = (error: unknown): void => answer(finished(a, execution, loaded, undefined, { error }, count, alone))
    if (ctx.instrumentation.span === undefined) execution.run(a.invoke, loaded, returned, failed)
    else traced(a, ctx.instrumentation.span, execution, loaded, count).then(returned, failed)
  }
  let decoded: unknown
  try {
    decoded = ctx.codec.decodeObject(record.object, record)
  } catch (error) {
    return unread(error)
  }
  if (decoded instanceof Promise) decoded.then(start, unread)
  else start(decoded)
}

/** Runs the handler inside a span, which ends with the attempt: also where the handler is given up and goes on. */
function traced(a: Attempt, span: Span, execution: Execution, loaded: HandlerRun, count: number): Promise<unknown> {
  return span(spanOfRun(a.record, a.process, a.kind, count), (traceparent) => {
    if (traceparent !== undefined) loaded.traceparent = traceparent
    return new Promise((resolve, reject) => execution.run(a.invoke, loaded, resolve, reject))
  })
}

/** Gives the places back and hands the result on. */
function finished(
  a: Attempt,
  execution: Execution,
  loaded: HandlerRun | undefined,
  returned: unknown,
  failed: { readonly error: unknown } | undefined,
  count: number,
  alone: boolean,
): Promise<Verdict> {
  const { ctx, process } = a
  ctx.executions.end(execution)
  leavePlaces(a, alone)
  const durationMs = ctx.clock.monotonic() - execution.startedAt
  const startedAt = ctx.clock.now() - durationMs
  ctx.instrumentation.observe('workflow_process_latency_seconds', durationMs / 1_000, process.labels)
  if (failed !== undefined || loaded === undefined)
    return fail(a, { count, startedAt, error: failed?.error, fatal: isFatal(failed?.error, loaded), traceparent: loaded?.traceparent })
  return settle(a, loaded, returned, { count, startedAt, durationMs, traceparent: loaded.traceparent })
}

function leavePlaces({ ctx, process }: Attempt, alone: boolean): void {
  if (alone) ctx.solitude.leaveAlone()
  else ctx.solitude.leave()
  process.gate.leave()
}

/** What is stored cannot be read, or the handler says so: no attempt will do better, unless something was only away. */
function isFatal(error: unknown, loaded: HandlerRun | undefined): boolean {
  return isWorkflowError(error, 'NonRetryable') || (loaded === undefined && !(isWorkflowError(error) && error.retryable))
}

function versionOf(record: RunRecord): string {
  return `${record.runId}/${record.version}`
}

/** False if the slot was lost meanwhile. */
async function noteSuspicion(a: Attempt, count: number): Promise<boolean> {
  const { ctx, record } = a
  const note: AttemptNote = {
    runId: record.runId,
    version: record.version,
    process: inHand,
    kind: 'suspect',
    attempt: count,
    startedAt: new Date(ctx.clock.now()),
    instance: ctx.instance,
  }
  try {
    await ctx.committer.commit({ id: ctx.ids.unit(), attempts: [note] }, a.held.signal)
    a.held.careful = Math.max(0, a.held.careful - 1)
    a.held.suspected.add(versionOf(record))
    return true
  } catch (error) {
    if (a.held.signal.aborted || error instanceof LeaseLost) return false
    throw error
  }
}
