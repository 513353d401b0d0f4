/** An event's row, which is a history entry at the same time when it tells of a transition. */
import { StoreCorrupt, type HistoryEntry, type RunEvent, type RunState } from '@workflow/core/adapter'
import { optionalPayload } from './payload-column.ts'

type EventJson = readonly [
  kind: RunEvent['kind'],
  workflowName: string,
  foreignId: string,
  runId: string,
  previousStatus: string | null,
  status: string,
  states: readonly RunState[],
  traceparent?: string,
]

/** The column `event`: what the other columns do not say. The view `outbox` reads it, too. */
export function eventText(event: RunEvent): string {
  const json: unknown[] = [
    event.kind,
    event.workflowName,
    event.foreignId,
    event.runId,
    event.previousStatus ?? null,
    event.status,
    event.states,
  ]
  if (event.traceparent !== undefined) json.push(event.traceparent)
  return JSON.stringify(json)
}

/** The event of its columns. */
export function eventOf(id: number, text: string, version: number, slot: number, atMs: number, topics: readonly string[]): RunEvent {
  const [kind, workflowName, foreignId, runId, previousStatus, status, states, traceparent] = jsonOf(id, text)
  return {
    v: 1,
    kind,
    workflowName,
    foreignId,
    runId,
    version,
    status,
    states,
    topics,
    slot,
    at: new Date(atMs),
    ...(previousStatus === null ? {} : { previousStatus }),
    ...(traceparent === undefined ? {} : { traceparent }),
  }
}

function jsonOf(id: number, text: string): EventJson {
  let cause: unknown
  try {
    const json: unknown = JSON.parse(text)
    // What `eventText` writes has at least so many parts, and a run id among them.
    if (Array.isArray(json) && json.length >= 7 && typeof json[3] === 'string') return json as unknown as EventJson
  } catch (error) {
    cause = error
  }
  throw new StoreCorrupt(`event ${id} makes no sense: restore the database from a backup`, { cause, details: { eventId: id } })
}

type EntryJson = readonly [
  by: HistoryEntry['by'],
  attempt: number,
  instance: string,
  durationMs: number | null,
  actor: string | null,
  from?: string | null,
  to?: string,
  states?: readonly RunState[],
  at?: number,
]

/** The column `entry`: what a history entry says beyond its event. */
export function entryText(entry: HistoryEntry, event: RunEvent): string {
  const json: unknown[] = [entry.by, entry.attempt, entry.instance, entry.durationMs ?? null, entry.actor ?? null]
  const same =
    entry.from === event.previousStatus &&
    entry.to === event.status &&
    entry.at.getTime() === event.at.getTime() &&
    (entry.states === event.states ||
      (entry.states.length === event.states.length && entry.states.every((state, i) => state === event.states[i])))
  if (!same) json.push(entry.from ?? null, entry.to, entry.states, entry.at.getTime())
  return JSON.stringify(json)
}

/** The columns that make a history entry, in the order that `entryOf` reads. */
export const entryColumns = 'version, unit, at, event, entry, reason_codec, reason, error_codec, error, object_codec, object'

/** A row of `entryColumns`, as an array. */
export type EntryRow = readonly [
  version: number,
  unit: string,
  at: number,
  event: string,
  entry: string,
  reasonCodec: string | null,
  reason: Uint8Array | null,
  errorCodec: string | null,
  error: Uint8Array | null,
  objectCodec: string | null,
  object: Uint8Array | null,
]

/** The history entry of a row. A row that makes no sense throws `StoreCorrupt` naming the run. */
export function entryOf(row: EntryRow, runId: string): HistoryEntry {
  try {
    const [version, unitId, eventAt, eventJson, entryJson] = row
    const [by, attempt, instance, durationMs, actor, ...rest] = JSON.parse(entryJson) as EntryJson
    const event = JSON.parse(eventJson) as EventJson
    const [from, to, states, at] = rest.length === 0 ? [event[4], event[5], event[6], eventAt] : rest
    const [reason, error, object] = [
      optionalPayload(row[5], row[6], runId),
      optionalPayload(row[7], row[8], runId),
      optionalPayload(row[9], row[10], runId),
    ]
    return {
      runId,
      version,
      unitId,
      to: to ?? event[5],
      states: states ?? event[6],
      by,
      at: new Date(at ?? eventAt),
      attempt,
      instance,
      ...(from === null || from === undefined ? {} : { from }),
      ...(durationMs === null ? {} : { durationMs }),
      ...(actor === null ? {} : { actor }),
      ...(reason === undefined ? {} : { reason }),
      ...(error === undefined ? {} : { error }),
      ...(object === undefined ? {} : { object }),
    }
  } catch (cause) {
    if (cause instanceof StoreCorrupt) throw cause
    throw new StoreCorrupt(`the history of run ${JSON.stringify(runId)} makes no sense: restore it from a backup`, {
      cause,
      details: { runId },
    })
  }
}
