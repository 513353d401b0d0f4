/** Records, changes and units as an engine would write them, so that a case names only what it is about. */
import {
  isFinished,
  slotOf,
  topicOf,
  type AttemptNote,
  type Change,
  type HistoryEntry,
  type Item,
  type NextRecord,
  type Payload,
  type RunEvent,
  type RunState,
  type Unit,
} from '@workflow/core/adapter'

/** The workflow that cases are about unless they say otherwise. */
export const workflowName = 'orders'
/** How many slots it has. */
export const slotsCount = 4
/** When its runs begin; later versions are a second apart. */
const epochMs = Date.UTC(2026, 0, 1)

let ids = 0

/** An id that no other case has used: backends need not be told apart in an error message. */
export function newId(prefix: string): string {
  return `${prefix}-${String(++ids).padStart(6, '0')}`
}

/** Bytes with a recognisable text in them. */
export function payload(text: string, more: Partial<Payload> = {}): Payload {
  return { bytes: new TextEncoder().encode(text), codec: 'test', schema: 1, ...more }
}

/** The text of a payload. */
export function textOf({ bytes }: Payload): string {
  return new TextDecoder().decode(bytes)
}

/** Version 1 of a run. */
export function newRun(fields: Partial<NextRecord> = {}): NextRecord {
  const at = new Date(epochMs)
  return {
    workflowName,
    foreignId: newId('foreign'),
    runId: newId('run'),
    version: 1,
    status: 'created',
    runState: 'Running',
    entered: { version: 1, at },
    repeat: 0,
    object: payload('object of version 1'),
    metadata: {},
    writer: { graph: 'graph-1', schema: 1 },
    createdAt: at,
    updatedAt: at,
    ...fields,
  }
}

/** The version after `record`: in `status`, as `runState`, with what such a record must have. */
export function moved(record: NextRecord, fields: Partial<NextRecord> = {}): NextRecord {
  const { pause: _pause, finishedAt, ...kept } = record
  const version = record.version + 1
  const at = new Date(epochMs + version * 1_000)
  const runState = fields.runState ?? record.runState
  const status = fields.status ?? record.status
  return {
    ...kept,
    version,
    status,
    runState,
    updatedAt: at,
    entered: status === record.status ? record.entered : { version, at },
    object: payload(`object of version ${version}`),
    ...(runState === 'Paused' ? { pause: { by: 'person', actor: 'ann', reason: payload('because') } } : {}),
    ...(isFinished(runState) ? { finishedAt: finishedAt ?? at } : {}),
    ...fields,
  }
}

/** The version after `record` that ends the run. */
export function finished(record: NextRecord, fields: Partial<NextRecord> = {}): NextRecord {
  return moved(record, { status: 'done', runState: 'Completed', ...fields })
}

/** The event of a record's version. */
export function eventOf(record: NextRecord, previous?: NextRecord, fields: Partial<RunEvent> = {}): RunEvent {
  return {
    v: 1,
    kind: 'transition',
    workflowName: record.workflowName,
    foreignId: record.foreignId,
    runId: record.runId,
    version: record.version,
    ...(previous === undefined || previous.status === record.status ? {} : { previousStatus: previous.status }),
    status: record.status,
    states: statesOf(record, previous),
    topics: [topicOf(record.workflowName, record.status)],
    slot: slotOf(record.runId, slotsCount),
    at: record.updatedAt,
    ...fields,
  }
}

/** A wake-up for the version that a run is at. */
export function wakeOf(record: NextRecord, fields: Partial<RunEvent> = {}): RunEvent {
  return eventOf(record, record, { kind: 'wake', ...fields })
}

/** The history entry of a record's version. */
export function historyOf(record: NextRecord, unitId: string, previous?: NextRecord, fields: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    runId: record.runId,
    version: record.version,
    unitId,
    ...(previous === undefined ? {} : { from: previous.status }),
    to: record.status,
    states: statesOf(record, previous),
    by: previous === undefined ? 'trigger' : 'step',
    at: record.updatedAt,
    attempt: 1,
    instance: 'kit',
    object: record.object,
    ...fields,
  }
}

function statesOf(record: NextRecord, previous: NextRecord | undefined): readonly RunState[] {
  return previous === undefined || previous.runState === record.runState ? [record.runState] : [previous.runState, record.runState]
}

/** The change from `previous`, or from nothing, to `next`. */
export function changeOf(unitId: string, next: NextRecord, previous?: NextRecord, fields: Partial<Change> = {}): Change {
  return {
    expect: previous === undefined ? 'absent' : previous.version,
    next,
    event: eventOf(next, previous),
    history: historyOf(next, unitId, previous),
    ...fields,
  }
}

/** A unit that creates `record`. */
export function createUnit(record: NextRecord, more: Partial<Unit> = {}): Unit {
  const id = more.id ?? newId('unit')
  return { id, changes: [changeOf(id, record)], ...more }
}

/** A unit that takes a run from `previous` to `next`. */
export function moveUnit(previous: NextRecord, next: NextRecord, more: Partial<Unit> = {}): Unit {
  const id = more.id ?? newId('unit')
  return { id, changes: [changeOf(id, next, previous)], ...more }
}

/** An entry of a run's inbox. */
export function item(runId: string, id: string, fields: Partial<Item> = {}): Item {
  return { runId, stream: 'inbox', id, body: payload(`body of ${id}`), ...fields }
}

/** A failed attempt at a record's version. */
export function note(record: NextRecord, fields: Partial<AttemptNote> = {}): AttemptNote {
  return {
    runId: record.runId,
    version: record.version,
    process: `step ${record.status}`,
    kind: 'failed',
    attempt: 1,
    startedAt: record.updatedAt,
    error: payload('it failed'),
    instance: 'kit',
    ...fields,
  }
}
