/** Why a run is where it is: everything that could move it, read at once from the store, the stream and the scheduler. */
import type { Explanation, FailedAttempt, LastError, WaitsFor } from '../explanation.ts'
import { isWorkflowError } from '../errors.ts'
import { isFinished } from '../model/run-state.ts'
import { roleOf } from '../model/role.ts'
import type { RunRecord } from '../model/run-record.ts'
import { slotOf } from '../model/slot.ts'
import type { StoredTimer } from '../model/timer.ts'
import { find } from './find-run.ts'
import type { EngineContext } from './engine-context.ts'
import { openingName } from './opening-timer.ts'
import { assertRunId } from './trigger.ts'
import { callbackStream, joinOf, processNames } from './worker-context.ts'
import type { RoleScheduler } from '../ports/role-scheduler.ts'

const countMax = 1_000

export async function explain(
  ctx: EngineContext,
  runId: string,
  scheduler: RoleScheduler | undefined,
  receiver: string,
): Promise<Explanation> {
  assertRunId(ctx, runId)
  const record = await find(ctx, runId)
  const [waitsFor, lastError, failures, holder, lag] = await Promise.all([
    waits(ctx, record),
    lastErrorOf(ctx, record),
    failuresIn(ctx, record),
    unlessAway(ctx, holderOf(ctx, record, scheduler)),
    unlessAway(ctx, lagOf(ctx, receiver)),
  ])
  const moves = waitsFor.map((wait) => moveOf(wait, record))
  return {
    workflowName: record.workflowName,
    runId,
    foreignId: record.foreignId,
    status: record.status,
    state: record.runState,
    since: record.entered.at,
    waitsFor,
    ...(lastError === undefined ? undefined : { lastError }),
    failures,
    ...(holder === undefined || holder === away ? undefined : { holder }),
    ...(lag === undefined || lag === away ? undefined : { lag }),
    moves,
    text: textOf(record, waitsFor, moves, lastError, holder, scheduler !== undefined, lag),
  }
}

/** What a scheduler or a stream that does not answer says: nothing, which must not keep the store from being heard. */
const away = 'away'

/** At most so long, which is well below what a store is given. */
const patienceMs = 2_000

async function unlessAway<T>(ctx: EngineContext, question: Promise<T>): Promise<T | typeof away> {
  const late = Promise.withResolvers<typeof away>()
  using _timer = ctx.clock.setTimer(patienceMs, () => late.resolve(away))
  try {
    return await Promise.race([question, late.promise])
  } catch (error) {
    if (isWorkflowError(error) && error.retryable) return away
    throw error
  }
}

async function waits(ctx: EngineContext, record: RunRecord): Promise<readonly WaitsFor[]> {
  if (isFinished(record.runState))
    return record.runState === 'RequestedDataDeleted' ? [{ kind: 'step', process: 'data deletion' }] : [{ kind: 'nothing' }]
  if (record.pause !== undefined) {
    const { by, actor, resumeAt, reason } = record.pause
    return [
      {
        kind: 'person',
        pausedBy: by,
        reason: await ctx.codec.decodeReason(reason, record),
        ...(actor === undefined ? undefined : { actor }),
        ...(resumeAt === undefined ? undefined : { resumeAt }),
      },
    ]
  }
  const found: WaitsFor[] = []
  const exits = ctx.contract.graph.get(record.status)
  for (const note of record.attempts ?? []) {
    if (note.kind === 'failed' && note.retryAt !== undefined)
      found.push({ kind: 'retry', process: note.process, at: note.retryAt, attempt: note.attempt + 1 })
  }
  const skipped = record.attempts?.some((note) => note.kind === 'skipped' && !note.process.startsWith('callback ')) === true
  if (exits?.step !== undefined && !skipped && found.length === 0) found.push({ kind: 'step', process: processNames.step(record.status) })
  if (exits?.join !== undefined) {
    const unfinished = await ctx.store.unfinishedChildren(record.runId, joinOf(record.status, record.entered.version), countMax)
    found.push({ kind: 'children', join: record.status, unfinished })
  }
  if (exits?.callback !== undefined) {
    const queued = await ctx.store.items(record.runId, callbackStream(record.status), { limit: countMax })
    found.push({ kind: 'callback', status: record.status, queued: queued.items.length })
  }
  const timers = await ctx.store.timers.list({ owner: record.runId, status: 'open' }, { limit: countMax })
  for (const timer of timers.items)
    if (timerCounts(timer, record)) found.push({ kind: 'timer', name: timer.key.name, at: timer.at, held: timer.held })
  return found
}

function timerCounts(timer: StoredTimer, record: RunRecord): boolean {
  return timer.key.kind === 'timeout' && timer.key.epoch === record.entered.version && timer.key.name !== openingName
}

async function lastErrorOf(ctx: EngineContext, record: RunRecord): Promise<LastError | undefined> {
  const note = record.attempts?.filter((candidate) => candidate.kind === 'failed').at(-1)
  if (note === undefined) {
    if (record.pause?.by !== 'engine') return undefined
    const page = await ctx.store.history(record.runId, { fromVersion: record.version, limit: 1, objects: false })
    const entry = page.items[0]
    const error = await ctx.codec.decodeError(entry?.error, record)
    return entry === undefined || error === undefined
      ? undefined
      : { ...error, process: record.status, attempt: entry.attempt, at: entry.at }
  }
  const error = await ctx.codec.decodeError(note.error, record)
  return error === undefined ? undefined : { ...error, process: note.process, attempt: note.attempt, at: note.startedAt }
}

async function failuresIn(ctx: EngineContext, record: RunRecord): Promise<readonly FailedAttempt[]> {
  const notes = (record.attempts ?? []).filter(({ kind }) => kind === 'failed')
  const failures = await Promise.all(notes.map((note) => ctx.codec.decodeFailures(note.error, record)))
  return failures.flat().sort((one, other) => one.startedAt.getTime() - other.startedAt.getTime())
}

async function holderOf(ctx: EngineContext, record: RunRecord, scheduler: RoleScheduler | undefined): Promise<Explanation['holder']> {
  if (scheduler === undefined) return undefined
  const role = roleOf(ctx.contract.name, slotOf(record.runId, ctx.slots))
  return (await scheduler.holders([role])).get(role)
}

async function lagOf(ctx: EngineContext, receiver: string): Promise<Explanation['lag']> {
  const info = (await ctx.streamer.receivers(ctx.contract.name)).find((candidate) => candidate.name === receiver)
  return info === undefined
    ? undefined
    : { receiver, events: info.lag, ...(info.oldest === undefined ? undefined : { oldest: info.oldest }) }
}

function moveOf(wait: WaitsFor, record: RunRecord): string {
  switch (wait.kind) {
    case 'step':
      return `'${wait.process}' takes its turn`
    case 'callback':
      return wait.queued > 0
        ? `${wait.queued} callback(s) for '${wait.status}' that have come in are handled`
        : `a callback for '${wait.status}' comes in: client.callback({ runId: '${record.runId}' }, '${wait.status}', …)`
    case 'timer':
      return `timeout '${wait.name}' expires at ${wait.at.toISOString()}${wait.held ? ' (held while the run is paused)' : ''}`
    case 'retry':
      return `'${wait.process}' is tried again at ${wait.at.toISOString()} (attempt ${wait.attempt})`
    case 'children':
      return wait.unfinished === 0
        ? 'all children have finished: the join takes its turn'
        : `${wait.unfinished} unfinished child run(s) finish`
    case 'person':
      return wait.resumeAt === undefined
        ? `somebody resumes or cancels it: client.resume('${record.runId}', …)`
        : `the engine resumes it at ${wait.resumeAt.toISOString()}, or somebody does earlier`
    case 'nothing':
      return 'nothing: it is finished'
  }
}

function textOf(
  record: RunRecord,
  waitsFor: readonly WaitsFor[],
  moves: readonly string[],
  lastError: LastError | undefined,
  holder: Explanation['holder'] | typeof away,
  asked: boolean,
  lag: Explanation['lag'] | typeof away,
): string {
  const person = waitsFor.find((wait) => wait.kind === 'person')
  const parts = [
    `Run ${record.runId} ('${record.foreignId}') of workflow '${record.workflowName}' is ${record.runState} at '${record.status}', since ${record.entered.at.toISOString()}.`,
    person === undefined
      ? ''
      : `It was paused by ${person.pausedBy === 'engine' ? 'the engine' : (person.actor ?? 'a person')}: ${person.reason}.`,
    waitsFor.length === 0
      ? (record.attempts ?? []).some((note) => note.kind === 'skipped')
        ? 'Its handler chose to skip, and nothing else would move it on.'
        : 'Nothing that is known would move it on.'
      : `What would move it on: ${moves.join('; or ')}.`,
    lastError === undefined
      ? ''
      : `Its last attempt (${lastError.attempt}, '${lastError.process}', ${lastError.at.toISOString()}) failed: ${lastError.name}: ${lastError.message}.`,
    holder === away
      ? 'Which instance works on its slot is not known: the role scheduler does not answer.'
      : holder !== undefined
        ? `Its slot is worked on by ${holder.instance}, since ${holder.since.toISOString()}.`
        : asked && !isFinished(record.runState)
          ? 'No instance works on its slot: is a process running this workflow?'
          : '',
    lag === away
      ? "How far the workflow's reader is behind is not known: the stream does not answer."
      : lag !== undefined && lag.events > 0 && !isFinished(record.runState)
        ? `The workflow's reader has ${lag.events} event(s) before it${lag.oldest === undefined ? '' : `, the oldest from ${lag.oldest.toISOString()}`}.`
        : '',
  ]
  return parts.filter((part) => part !== '').join(' ')
}
