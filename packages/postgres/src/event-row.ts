/** An event's row, which is a history entry at the same time when it tells of a transition. */
import { StoreCorrupt, type HistoryEntry, type RunEvent, type RunState } from '@workflow/core/adapter'
import { historyEntryOf, type EntryPayloads } from '@workflow/sql'
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
  ...payloads: EntryPayloads,
]

/** The history entry of a row. A row that makes no sense throws `StoreCorrupt` naming the run. */
export function entryOf([version, unitId, at, previousStatus, status, states, entry, ...payloads]: EntryRow, runId: string): HistoryEntry {
  return historyEntryOf(runId, () => {
    const event = { at, previousStatus, status, states: JSON.parse(states) as readonly RunState[] }
    return { version, unitId, entry, payloads, event }
  })
}
