import {
  assertPageLimit,
  assertTimerOps,
  decodePageToken,
  encodePageToken,
  StoreCorrupt,
  Stopped,
  type Page,
  type Payload,
  type StoredTimer,
  type TimeoutStore,
  type Timer,
  type TimerKey,
} from '@workflow/core/adapter'
import { optionalPayload } from '@workflow/sql'
import { applyTimers } from './apply-timers.ts'
import type { Connection } from './connection.ts'
import type { Session } from './session.ts'

const columns = 'id, kind, owner, epoch, name, workflow, slot, at, held, attempt, status, data_codec, data'
type Row = readonly [
  id: number,
  kind: string,
  owner: string,
  epoch: number,
  name: string,
  workflow: string,
  slot: number,
  at: number,
  held: number,
  attempt: number,
  status: string,
  dataCodec: string | null,
  data: Uint8Array | null,
]

/** The timers of a session's database. `user` is the record store that they belong to; `closed` says whether it is. */
export function timeoutStore(session: Session, user: object, closed: () => boolean): TimeoutStore {
  const read = async <T>(work: (connection: Connection) => T): Promise<T> => {
    if (closed()) throw new Stopped('the timeout store has been closed')
    return session.read(user, work)
  }
  return {
    apply: async (ops) => {
      if (closed()) throw new Stopped('the timeout store has been closed')
      assertTimerOps(ops)
      await session.write(user, (batch) => applyTimers(batch, ops))
    },
    due: async ({ workflowName, slots, before }, page) => {
      assertPageLimit(page)
      const [at, id] = decodePageToken('due timers', page.after, ['number', 'number']) ?? [Number.MIN_SAFE_INTEGER, 0]
      const rows = await read((connection) => {
        const earliest = page.after === undefined ? earliestOf(connection, workflowName, slots) : undefined
        if (page.after === undefined && (earliest === undefined || earliest > before.getTime())) return []
        // One short range of the index per slot, then merged: timers of slots that somebody else has are never looked at.
        return [...new Set(slots)].flatMap((slot) =>
          connection.raw<Row>(
            `SELECT ${columns} FROM {timer} WHERE workflow = ? AND slot = ? AND status = 'open' AND held = 0 AND at <= ? AND (at, id) > (?, ?) ORDER BY at, id LIMIT ?`,
            workflowName,
            slot,
            before.getTime(),
            at,
            id,
            page.limit + 1,
          ),
        )
      })
      rows.sort((a, b) => a[7] - b[7] || a[0] - b[0])
      return pageOf(rows, page.limit, timerOf, (row) => encodePageToken('due timers', [row[7], row[0]]))
    },
    nextExpiry: async ({ workflowName, slots }) => {
      const earliest = await read((connection) => earliestOf(connection, workflowName, slots))
      return earliest === undefined ? undefined : new Date(earliest)
    },
    list: async ({ workflowName, owner, status }, page) => {
      assertPageLimit(page)
      const [after] = decodePageToken('timers', page.after, ['number']) ?? [0]
      const conditions: (readonly [sql: string, ...params: unknown[]])[] = [['id > ?', after]]
      if (workflowName !== undefined) conditions.push(['workflow = ?', workflowName])
      if (owner !== undefined) conditions.push(['owner = ?', owner])
      if (status !== undefined) conditions.push([status === 'open' ? "status = 'open'" : "status <> 'open'"])
      const where = conditions.map(([sql]) => sql).join(' AND ')
      const params = conditions.flatMap(([, ...values]) => values)
      const rows = await read((connection) =>
        connection.raw<Row>(`SELECT ${columns} FROM {timer} WHERE ${where} ORDER BY id LIMIT ?`, ...params, page.limit + 1),
      )
      return pageOf(rows, page.limit, storedTimerOf, (row) => encodePageToken('timers', [row[0]]))
    },
    onChange: (wake) => session.onTimers(wake),
  }
}

/** When the first timer of these slots is due: one look at the index per slot, in one statement, because idle engines ask often. */
function earliestOf(connection: Connection, workflowName: string, slots: readonly number[]): number | undefined {
  return (
    connection.value<number | null>(
      `SELECT min((SELECT at FROM {timer} WHERE workflow = ? AND slot = wanted.value AND status = 'open' AND held = 0 ORDER BY at LIMIT 1))
     FROM json_each(?) AS wanted`,
      workflowName,
      JSON.stringify(slots),
    ) ?? undefined
  )
}

/** A page of rows, of which one more than `limit` was asked for. */
function pageOf<Row, T>(rows: readonly Row[], limit: number, map: (row: Row) => T, token: (row: Row) => string): Page<T> {
  const kept = rows.slice(0, limit)
  const last = kept.at(-1)
  return { items: kept.map(map), ...(rows.length > limit && last !== undefined ? { next: token(last) } : {}) }
}

function timerOf(row: Row): Timer {
  const [, kind, owner, epoch, name, workflowName, slot, at, held, attempt] = row
  const data = dataOf(row[11], row[12], owner)
  return {
    // Only `assertTimerOps` lets kinds into the table.
    key: { kind: kind as TimerKey['kind'], owner, epoch, name },
    workflowName,
    slot,
    at: new Date(at),
    held: held === 1,
    attempt,
    ...(data === undefined ? {} : { data }),
  }
}

/**
 * Data that makes no sense comes out as a payload that no codec reads: the timer it belongs to fails, and the others of
 * its page do not fail with it.
 */
function dataOf(codec: string | null, bytes: Uint8Array | null, owner: string): Payload | undefined {
  try {
    return optionalPayload(codec, bytes, owner)
  } catch (error) {
    if (!(error instanceof StoreCorrupt)) throw error
    return { bytes: bytes ?? new Uint8Array(), codec: `unreadable ${JSON.stringify(codec)}`, schema: 1 }
  }
}

function storedTimerOf(row: Row): StoredTimer {
  return { ...timerOf(row), status: row[10] as StoredTimer['status'] }
}
