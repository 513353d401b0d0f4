/** A history entry in columns: what it has in common with its event, a column for the rest, and three payloads. */
import { StoreCorrupt, type HistoryEntry, type RunEvent, type RunState } from '@workflow/core/adapter'
import { optionalPayload } from './payload-column.ts'

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

/** The payloads of an entry, as columns. */
export type EntryPayloads = readonly [
  reasonCodec: string | null,
  reason: Uint8Array | null,
  errorCodec: string | null,
  error: Uint8Array | null,
  objectCodec: string | null,
  object: Uint8Array | null,
]

/** What is read of an entry and of its event. */
export interface StoredEntry {
  readonly version: number
  readonly unitId: string
  readonly entry: string
  readonly payloads: EntryPayloads
  readonly event: {
    /** Milliseconds. */
    readonly at: number
    readonly previousStatus: string | null
    readonly status: string
    readonly states: readonly RunState[]
  }
}

/** The history entry of a row that `read` takes apart. A row that makes no sense throws `StoreCorrupt` naming the run. */
export function historyEntryOf(runId: string, read: () => StoredEntry): HistoryEntry {
  try {
    const { version, unitId, entry, payloads, event } = read()
    const [by, attempt, instance, durationMs, actor, ...rest] = JSON.parse(entry) as EntryJson
    const [from, to, states, at] = rest.length === 0 ? [event.previousStatus] : rest
    const [reason, error, object] = [
      optionalPayload(payloads[0], payloads[1], runId),
      optionalPayload(payloads[2], payloads[3], runId),
      optionalPayload(payloads[4], payloads[5], runId),
    ]
    return {
      runId,
      version,
      unitId,
      to: to ?? event.status,
      states: states ?? event.states,
      by,
      at: new Date(at ?? event.at),
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
