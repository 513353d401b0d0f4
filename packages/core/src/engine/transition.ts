/**
 * Turns "this run moves there" into the change that a store commits: the next record, its one event and its history
 * entry. Pure: nothing is written here. Every path of a run goes through these three functions, so version, stay
 * (`entered`), run state and topics agree with each other everywhere.
 */
import type { AttemptNote } from '../model/attempt-note.ts'
import type { HistoryEntry, MovedBy } from '../model/history-entry.ts'
import type { Payload } from '../model/payload.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { RunPause, RunParent, RunRecord } from '../model/run-record.ts'
import { isFinished, type RunState } from '../model/run-state.ts'
import { slotOf } from '../model/slot.ts'
import { topicOf } from '../model/topic.ts'
import type { Change, NextRecord } from '../model/unit.ts'
import type { EngineContext } from './engine-context.ts'

const initiated: readonly RunState[] = ['Initiated']
const running: readonly RunState[] = ['Running']
const completed: readonly RunState[] = ['Completed']
const initiatedRunning: readonly RunState[] = ['Initiated', 'Running']
const initiatedCompleted: readonly RunState[] = ['Initiated', 'Running', 'Completed']
const pausedRunning: readonly RunState[] = ['Paused', 'Running']
const pausedCompleted: readonly RunState[] = ['Paused', 'Running', 'Completed']

/** What goes into the history beside the move itself. */
export interface MoveNote {
  readonly by: MovedBy
  readonly attempt: number
  readonly durationMs?: number
  readonly actor?: string
  readonly reason?: Payload
  readonly error?: Payload
}

export interface Advance {
  readonly to: string
  readonly object: Payload
  readonly note: MoveNote
  /** `enter`: a new stay, also in the same status. `repeat`: the same stay once more. `keep`: the same stay, and its step is not run again. */
  readonly stay: 'enter' | 'repeat' | 'keep'
}

export interface Creation {
  readonly runId: string
  readonly foreignId: string
  readonly status: string
  readonly object: Payload
  readonly metadata: Readonly<Record<string, string>>
  readonly traceparent?: string
  readonly parent?: RunParent
  /** Who has started it by hand, and why. */
  readonly audit?: { readonly actor: string; readonly reason: Payload }
}

/** A run begins. */
export function creation(ctx: EngineContext, unitId: string, run: Creation): Change {
  const at = new Date(ctx.clock.now())
  const done = isTerminal(ctx, run.status)
  const states = done ? initiatedCompleted : initiated
  const next: Writable<NextRecord> = {
    workflowName: ctx.contract.name,
    foreignId: run.foreignId,
    runId: run.runId,
    version: 1,
    status: run.status,
    runState: done ? 'Completed' : 'Initiated',
    entered: { version: 1, at },
    repeat: 0,
    object: run.object,
    // A copy: what the caller does to its own later is not what was stored.
    metadata: Object.freeze({ ...run.metadata }),
    writer: writerOf(ctx),
    createdAt: at,
    updatedAt: at,
  }
  if (run.parent !== undefined) next.parent = run.parent
  if (run.traceparent !== undefined) next.traceparent = run.traceparent
  if (done) next.finishedAt = at
  return changeOf(ctx, unitId, undefined, next, states, done ? ctx.topics.completed(run.status) : ctx.topics.at(run.status), {
    by: 'trigger',
    attempt: 1,
    ...run.audit,
  })
}

/** A run moves in its graph, by a handler or by hand, or repeats its status. */
export function advance(ctx: EngineContext, unitId: string, record: RunRecord, move: Advance): Change {
  const at = new Date(ctx.clock.now())
  const version = record.version + 1
  const done = move.stay === 'enter' && isTerminal(ctx, move.to)
  const states = done ? completedFrom(record.runState) : runningFrom(record.runState)
  const next = nextOf(ctx, record, {
    version,
    status: move.to,
    runState: done ? 'Completed' : 'Running',
    entered: move.stay === 'enter' ? { version, at } : record.entered,
    repeat: move.stay === 'enter' ? 0 : move.stay === 'repeat' ? record.repeat + 1 : record.repeat,
    object: move.object,
    at,
  })
  const topics = done ? ctx.topics.completed(move.to) : move.stay === 'keep' ? [] : ctx.topics.at(move.to)
  return changeOf(ctx, unitId, record, next, states, topics, move.note)
}

function runningFrom(state: RunState): readonly RunState[] {
  return state === 'Initiated' ? initiatedRunning : state === 'Paused' ? pausedRunning : running
}

function completedFrom(state: RunState): readonly RunState[] {
  return state === 'Initiated' ? initiatedCompleted : state === 'Paused' ? pausedCompleted : completed
}

/** A run pauses, resumes, is cancelled, or its data goes: it stays where it is in its graph. */
export function changeState(
  ctx: EngineContext,
  unitId: string,
  record: RunRecord,
  to: RunState,
  note: MoveNote,
  extra: { readonly object?: Payload; readonly pause?: RunPause } = {},
): Change {
  const at = new Date(ctx.clock.now())
  const next = nextOf(ctx, record, {
    version: record.version + 1,
    status: record.status,
    runState: to,
    entered: record.entered,
    repeat: record.repeat,
    object: extra.object ?? record.object,
    at,
    ...(extra.pause === undefined ? undefined : { pause: extra.pause }),
  })
  // Pausing what is paused tells no hook a second time.
  const topics = to === 'Running' ? ctx.topics.at(record.status) : to === record.runState ? [] : ctx.topics.state(to)
  return changeOf(ctx, unitId, record, next, to === record.runState ? [to] : [record.runState, to], topics, note)
}

/** Says once more that a run has something to do, without a new version. */
export function eventAgain(ctx: EngineContext, record: RunRecord, kind: 'wake' | 'reemit'): RunEvent {
  return {
    v: 1,
    kind,
    workflowName: record.workflowName,
    foreignId: record.foreignId,
    runId: record.runId,
    version: record.version,
    status: record.status,
    states: [record.runState],
    topics: record.runState === 'RequestedDataDeleted' ? ctx.topics.state('RequestedDataDeleted') : ctx.topics.at(record.status),
    slot: slotOf(record.runId, ctx.slots),
    at: new Date(ctx.clock.now()),
    ...(record.traceparent === undefined ? undefined : { traceparent: record.traceparent }),
  }
}

/** Tells a parent that one of its children has finished; undefined without a parent. */
export function parentWake(ctx: EngineContext, record: RunRecord): RunEvent | undefined {
  const { parent } = record
  if (parent === undefined) return undefined
  const status = parent.join.slice(0, parent.join.lastIndexOf('/'))
  return {
    v: 1,
    kind: 'wake',
    workflowName: parent.workflowName,
    // A wake-up makes its receiver read the run: a child knows neither the foreign id nor the version of its parent.
    foreignId: parent.runId,
    runId: parent.runId,
    version: 1,
    status,
    states: [],
    topics: [topicOf(parent.workflowName, status)],
    slot: slotOf(parent.runId, ctx.slots),
    at: new Date(ctx.clock.now()),
  }
}

/** The record that a commit has made of a change. */
export function committedRecord(change: Change, seq: bigint): RunRecord {
  return { ...change.next, seq }
}

interface Moving {
  readonly version: number
  readonly status: string
  readonly runState: RunState
  readonly entered: RunRecord['entered']
  readonly repeat: number
  readonly object: Payload
  readonly at: Date
  readonly pause?: RunPause
}

// The literals below list their fields in one order and without spreads: every run of a process passes through here four
// times, and objects of one shape are what keeps that cheap.
type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

function nextOf(ctx: EngineContext, record: RunRecord, moving: Moving): NextRecord {
  const next: Writable<NextRecord> = {
    workflowName: record.workflowName,
    foreignId: record.foreignId,
    runId: record.runId,
    version: moving.version,
    status: moving.status,
    runState: moving.runState,
    entered: moving.entered,
    repeat: moving.repeat,
    object: moving.object,
    metadata: record.metadata,
    writer: writerOf(ctx),
    createdAt: record.createdAt,
    updatedAt: moving.at,
  }
  if (record.parent !== undefined) next.parent = record.parent
  if (moving.pause !== undefined) next.pause = moving.pause
  if (record.traceparent !== undefined) next.traceparent = record.traceparent
  if (record.finishedAt !== undefined) next.finishedAt = record.finishedAt
  else if (isFinished(moving.runState)) next.finishedAt = moving.at
  return next
}

function changeOf(
  ctx: EngineContext,
  unitId: string,
  record: RunRecord | undefined,
  next: NextRecord,
  states: readonly RunState[],
  topics: readonly string[],
  note: MoveNote,
): Change {
  const event: Writable<RunEvent> = {
    v: 1,
    kind: 'transition',
    workflowName: next.workflowName,
    foreignId: next.foreignId,
    runId: next.runId,
    version: next.version,
    status: next.status,
    states,
    topics,
    slot: slotOf(next.runId, ctx.slots),
    at: next.updatedAt,
  }
  if (record !== undefined && record.status !== next.status) event.previousStatus = record.status
  if (next.traceparent !== undefined) event.traceparent = next.traceparent
  return {
    expect: record === undefined ? 'absent' : record.version,
    next,
    event,
    history: entryOf(ctx, unitId, record, next, states, note),
  }
}

function entryOf(
  ctx: EngineContext,
  unitId: string,
  record: RunRecord | undefined,
  next: NextRecord,
  states: readonly RunState[],
  note: MoveNote,
): HistoryEntry {
  const { runId, version, status: to, updatedAt: at, object } = next
  const { by, attempt, durationMs } = note
  const { instance } = ctx
  // A step's transition, which is most of them, has all of its fields in one literal.
  if (
    record !== undefined &&
    durationMs !== undefined &&
    ctx.historyObjects &&
    note.reason === undefined &&
    record.attempts === undefined
  ) {
    return { runId, version, unitId, from: record.status, to, states, by, at, attempt, durationMs, instance, object }
  }
  const entry: Writable<HistoryEntry> = { runId, version, unitId, to, states, by, at, attempt, instance }
  if (record !== undefined) entry.from = record.status
  if (durationMs !== undefined) entry.durationMs = durationMs
  if (note.actor !== undefined) entry.actor = note.actor
  if (note.reason !== undefined) entry.reason = note.reason
  const error = note.error ?? lastFailure(record)
  if (error !== undefined) entry.error = error
  if (ctx.historyObjects) entry.object = object
  return entry
}

/** What the attempts that failed at the version that is left have come to: the store forgets its notes with it. */
function lastFailure(record: RunRecord | undefined): Payload | undefined {
  let last: AttemptNote | undefined
  for (const note of record?.attempts ?? [])
    if (note.kind === 'failed' && (last === undefined || note.startedAt >= last.startedAt)) last = note
  return last?.error
}

const writers = new WeakMap<object, RunRecord['writer']>()

function writerOf(ctx: EngineContext): RunRecord['writer'] {
  let writer = writers.get(ctx.contract)
  if (writer === undefined) {
    writer = { graph: ctx.contract.fingerprint, schema: ctx.contract.schemaVersion }
    writers.set(ctx.contract, writer)
  }
  return writer
}

function isTerminal(ctx: EngineContext, status: string): boolean {
  const exits = ctx.contract.graph.get(status)
  return exits !== undefined && Object.keys(exits).length === 0
}
