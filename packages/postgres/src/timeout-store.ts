import {
  assertPageLimit,
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
import type { Queryable } from './database.ts'
import { Conditions } from './run-conditions.ts'
import type { Session } from './session.ts'
import { textKey } from './text-key.ts'

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
  held: boolean,
  attempt: number,
  status: string,
  dataCodec: string | null,
  data: Uint8Array | null,
]

/** The timers of a session's database. `user` is the record store that they belong to; `closed` says whether it is. */
export function timeoutStore(session: Session, user: object, closed: () => boolean): TimeoutStore {
  const opened = async (): Promise<Queryable> => {
    if (closed()) throw new Stopped('the timeout store has been closed')
    await session.ready(user)
    return session.database
  }
  return {
    apply: async (ops) => {
      await opened()
      await session.committer.applyTimers(ops)
    },
    due: async ({ workflowName, slots, before }, page) => {
      assertPageLimit(page)
      const [at, id] = decodePageToken('due timers', page.after, ['number', 'number']) ?? [Number.MIN_SAFE_INTEGER, 0]
      const connection = await opened()
      // One short range of the index per slot, then merged: timers of slots that somebody else has are never looked at.
      const rows = await connection.query<Row>(
        `SELECT t.* FROM (SELECT DISTINCT s FROM unnest($2::integer[]) AS s) AS w(slot) CROSS JOIN LATERAL (
           SELECT ${columns} FROM {timer} t WHERE t.workflow = $1 AND t.slot = w.slot AND t.status = 'open' AND NOT t.held AND t.at <= $3
             AND (t.at, t.id) > ($4, $5) ORDER BY t.at, t.id LIMIT $6
         ) AS t ORDER BY t.at, t.id LIMIT $6`,
        [workflowName, slots, before.getTime(), at, id, page.limit + 1],
      )
      return pageOf(rows, page.limit, timerOf, (row) => encodePageToken('due timers', [row[7], row[0]]))
    },
    nextExpiry: async ({ workflowName, slots }) => {
      const connection = await opened()
      const [row] = await connection.query<[number | null]>(
        `SELECT min((SELECT t.at FROM {timer} t WHERE t.workflow = $1 AND t.slot = s AND t.status = 'open' AND NOT t.held ORDER BY t.at, t.id LIMIT 1))
         FROM unnest($2::integer[]) AS s`,
        [workflowName, slots],
      )
      return row === undefined || row[0] === null ? undefined : new Date(row[0])
    },
    list: async ({ workflowName, owner, status }, page) => {
      assertPageLimit(page)
      const [after] = decodePageToken('timers', page.after, ['number']) ?? [0]
      const conditions = new Conditions().add('id > ?', after)
      if (workflowName !== undefined) conditions.add('workflow = ?', workflowName)
      if (owner !== undefined) conditions.add('owner_key = ?', textKey(owner))
      if (status !== undefined) conditions.add(status === 'open' ? "status = 'open'" : "status <> 'open'")
      const sql = `SELECT ${columns} FROM {timer} ${conditions.sql} ORDER BY id LIMIT ${conditions.value(page.limit + 1)}`
      const rows = await (await opened()).query<Row>(sql, conditions.params)
      return pageOf(rows, page.limit, storedTimerOf, (row) => encodePageToken('timers', [row[0]]))
    },
    onChange: (wake) => session.onTimers(wake),
  }
}

/** A page of rows, of which one more than `limit` was asked for. */
export function pageOf<Row, T>(rows: readonly Row[], limit: number, map: (row: Row) => T, token: (row: Row) => string): Page<T> {
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
    held,
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
