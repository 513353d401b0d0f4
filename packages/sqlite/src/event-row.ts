/** An event's row, which is a history entry at the same time when it tells of a transition. */
import { StoreCorrupt, type HistoryEntry, type RunEvent, type RunState } from '@workflow/core/adapter'
import { historyEntryOf, type EntryPayloads } from '@workflow/sql'

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

/** The columns that make a history entry, in the order that `entryOf` reads. */
export const entryColumns = 'version, unit, at, event, entry, reason_codec, reason, error_codec, error, object_codec, object'

/** A row of `entryColumns`, as an array. */
export type EntryRow = readonly [version: number, unit: string, at: number, event: string, entry: string, ...payloads: EntryPayloads]

/** The history entry of a row. A row that makes no sense throws `StoreCorrupt` naming the run. */
export function entryOf([version, unitId, at, eventJson, entry, ...payloads]: EntryRow, runId: string): HistoryEntry {
  return historyEntryOf(runId, () => {
    const [, , , , previousStatus, status, states] = JSON.parse(eventJson) as EventJson
    return { version, unitId, entry, payloads, event: { at, previousStatus, status, states } }
  })
}
