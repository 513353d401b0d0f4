/** An event's row, which is a history entry at the same time when it tells of a transition. */
import { StoreCorrupt, type HistoryEntry, type RunEvent, type RunState } from '@workflow/core/adapter'
import { optionalPayload } from './payload-column.ts'
import type { Shape } from './shapes.ts'

/** A row of `eventColumns`, as an array. */
export type EventRow = readonly [
  id: number,
  origin: number,
  shape: number,
  version: number,
  slot: number,
  at: number,
  runId: string,
  foreignId: string,
  traceparent: string | null,
]

/** The event of its row. */
export function eventOf([id, , , version, slot, at, runId, foreignId, traceparent]: EventRow, shape: Shape): RunEvent {
  if (runId === '' || !(version >= 1))
    throw new StoreCorrupt(`event ${id} makes no sense: restore the database from a backup`, { details: { eventId: id } })
  const { kind, workflowName, previousStatus, status, states, topics } = shape
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
    at: new Date(at),
    ...(previousStatus === undefined ? {} : { previousStatus }),
    ...(traceparent === null ? {} : { traceparent }),
  }
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

/** The columns that make a history entry, in the order that `entryOf` reads: of the event `e` and its shape `s`. */
export const entryColumns =
  'e.version, e.unit, e.at, s.previous_status, s.status, s.states, e.entry, e.reason_codec, e.reason, e.error_codec, e.error, e.object_codec, e.object'

/** A row of `entryColumns`, as an array. */
export type EntryRow = readonly [
  version: number,
  unit: string,
  at: number,
  previousStatus: string | null,
  status: string,
  states: string,
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
    const [version, unitId, eventAt, previousStatus, status, eventStates, entryJson] = row
    const [by, attempt, instance, durationMs, actor, ...rest] = JSON.parse(entryJson) as EntryJson
    const [from, to, states, at] = rest.length === 0 ? [previousStatus, status, undefined, eventAt] : rest
    const [reason, error, object] = [
      optionalPayload(row[7], row[8], runId),
      optionalPayload(row[9], row[10], runId),
      optionalPayload(row[11], row[12], runId),
    ]
    return {
      runId,
      version,
      unitId,
      to: to ?? status,
      states: states ?? (JSON.parse(eventStates) as readonly RunState[]),
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
