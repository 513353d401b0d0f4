/**
 * Listings and counts over all runs. No index changes with every transition for their sake: so they read the table by its
 * key, or the index of open runs, in windows, each a statement of its own, so that none of them runs for long.
 */
import {
  assertPageLimit,
  decodePageToken,
  encodePageToken,
  isWorkflowError,
  type Page,
  type PageOptions,
  type RunQuery,
  type RunRecord,
} from '@workflow/core/adapter'
import { isOpen, recordOf, type RecordRow } from '@workflow/sql'
import type { Queryable } from './database.ts'
import { recordColumns } from './record-columns.ts'
import { Conditions, conditionsOf } from './run-conditions.ts'

/** So many seqs are looked at in one statement. */
const windowSeqs = 20_000
/**
 * A page ends, even if it is not full, after so many windows: whoever looks for few among many gets its answers soon. Those on
 * the edge of nothing do not count.
 */
const windowsMax = 3
/** Of those that the index of open runs leads through, which pass over all others. */
const openWindowsMax = 50

/** A page of runs by seq. */
export async function listRuns(connection: Queryable, query: RunQuery, page: PageOptions): Promise<Page<RunRecord>> {
  assertPageLimit(page)
  const newest = query.order === 'newest'
  const listing = newest ? 'runs, newest first' : 'runs'
  const after = decodePageToken(listing, page.after, ['bigint'])?.[0]
  if (conditionsOf(query) === undefined) return { items: [] }
  const last = await lastSeq(connection)
  // An index leads to the few runs of a foreign id or a parent: no windows are needed then.
  const few = (query.workflowName !== undefined && query.foreignId !== undefined) || query.parent !== undefined
  const step = few ? last + 1 : windowSeqs
  const limit = isOpen(query) ? openWindowsMax : windowsMax
  const items: RunRecord[] = []
  let position = after === undefined ? (newest ? last + 1 : 0) : Number(after)
  for (let windows = 0; newest ? position > 1 : position < last; windows++) {
    if (windows === limit) return { items, next: encodePageToken(listing, [BigInt(position)]) }
    const missing = page.limit - items.length
    const rows = await readWindow(connection, query, { newest, position, step, limit: missing + 1 })
    const taken = rows.slice(0, missing)
    for (const row of taken) {
      const record = readableRecord(row)
      if (record !== undefined) items.push(record)
    }
    if (rows.length > missing) return { items, next: encodePageToken(listing, [BigInt(taken.at(-1)?.[0] ?? position)]) }
    position += newest ? -step : step
    // Where nothing is, for whatever reason, nothing needs to be looked at.
    if (rows.length === 0 && !few) {
      const next = await nextPosition(connection, query, { newest, position })
      if (Math.abs(next - position) >= step) windows--
      position = next
    }
  }
  return { items }
}

/** The place from which the next run is in sight, past all that has been purged or is of no interest. */
async function nextPosition(
  connection: Queryable,
  query: RunQuery,
  { newest, position }: Pick<Window, 'newest' | 'position'>,
): Promise<number> {
  const conditions = new Conditions().add(newest ? 'seq < ?' : 'seq > ?', position)
  if (isOpen(query)) conditions.add('open')
  const [row] = await connection.query<[number]>(
    `SELECT seq FROM {record} ${conditions.sql} ORDER BY seq ${newest ? 'DESC' : 'ASC'} LIMIT 1`,
    conditions.params,
  )
  if (row === undefined) return newest ? 0 : Number.MAX_SAFE_INTEGER
  return newest ? row[0] + 1 : row[0] - 1
}

interface Window {
  readonly newest: boolean
  readonly position: number
  readonly step: number
  readonly limit: number
}

async function readWindow(connection: Queryable, query: RunQuery, { newest, position, step, limit }: Window): Promise<RecordRow[]> {
  const conditions = conditionsOf(query)
  if (conditions === undefined) return []
  if (newest) conditions.add('seq < ? AND seq >= ?', position, Math.max(0, position - step))
  else conditions.add('seq > ? AND seq <= ?', position, position + step)
  const order = `ORDER BY seq ${newest ? 'DESC' : 'ASC'} LIMIT ${conditions.value(limit)}`
  return connection.query<RecordRow>(`SELECT ${recordColumns} FROM {record} ${conditions.sql} ${order}`, conditions.params)
}

/** One row that makes no sense must not hide the others; whoever looks that run up is told what is wrong with it. */
function readableRecord(row: RecordRow): RunRecord | undefined {
  try {
    return recordOf(row, false)
  } catch (error) {
    if (isWorkflowError(error, 'StoreCorrupt')) return undefined
    throw error
  }
}

/** How many runs per value of a column. */
export async function countRuns(connection: Queryable, query: RunQuery, by: 'status' | 'runState'): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  const column = by === 'status' ? 'status' : 'state'
  if (conditionsOf(query) === undefined) return counts
  const last = await lastSeq(connection)
  for (let position = 0; position < last; position += windowSeqs) {
    const conditions = conditionsOf(query)?.add('seq > ? AND seq <= ?', position, position + windowSeqs)
    if (conditions === undefined) break
    const rows = await connection.query<[string, number]>(
      `SELECT ${column}, count(*) FROM {record} ${conditions.sql} GROUP BY ${column}`,
      conditions.params,
    )
    for (const [value, count] of rows) counts.set(value, (counts.get(value) ?? 0) + count)
  }
  return counts
}

async function lastSeq(connection: Queryable): Promise<number> {
  const [row] = await connection.query<[number]>('SELECT coalesce(max(seq), 0) FROM {record}')
  return row?.[0] ?? 0
}
