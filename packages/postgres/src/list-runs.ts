/**
 * Listings and counts over all runs. No index changes with every transition for their sake: so they read the table by its
 * key, or the index of open runs, in windows, each a statement of its own, so that none of them runs for long. The first few are so
 * many numbers, which costs nothing to find; the others are so many rows, because runs that came one by one are far apart.
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

/** So many rows are looked at in one statement. */
const windowRows = 8_000
/** So many numbers in each of the first ones of a page: mostly it is full then. */
const windowSeqs = 20_000
const windowsOfSeqs = 3
/** A page ends, even if it is not full, after so many windows: whoever looks for few among many gets its answers soon. */
const windowsMax = windowsOfSeqs + 1
/** And after one of numbers in which at least so many rows were looked at. */
const manyRows = 5_000

/** Where rows are looked at, and from where on. */
interface Place {
  readonly newest: boolean
  /** Of the last run that has been looked at. */
  readonly position: number
}

/** A page of runs by seq. */
export async function listRuns(connection: Queryable, query: RunQuery, page: PageOptions): Promise<Page<RunRecord>> {
  assertPageLimit(page)
  const newest = query.order === 'newest'
  const listing = newest ? 'runs, newest first' : 'runs'
  const after = decodePageToken(listing, page.after, ['bigint'])?.[0]
  if (conditionsOf(query) === undefined) return { items: [] }
  // An index leads to the few runs of a foreign id or a parent: no windows are needed then.
  const few = (query.workflowName !== undefined && query.foreignId !== undefined) || query.parent !== undefined
  const items: RunRecord[] = []
  const last = await lastSeq(connection)
  let position = after === undefined ? (newest ? last + 1 : 0) : Number(after)
  for (let windows = 1; ; windows++) {
    const place = { newest, position }
    const bySeqs = windows <= windowsOfSeqs
    const end = few ? undefined : bySeqs ? endOfSeqs(place, last) : await windowEnd(connection, query, place)
    const missing = page.limit - items.length
    const rows = await readWindow(connection, query, place, end, missing + 1)
    const taken = rows.slice(0, missing)
    for (const row of taken) {
      const record = readableRecord(row)
      if (record !== undefined) items.push(record)
    }
    if (rows.length > missing) return { items, next: encodePageToken(listing, [BigInt(taken.at(-1)?.[0] ?? position)]) }
    if (end === undefined) return { items }
    if (bySeqs && (await isReached(connection, query, place, end, manyRows)))
      return { items, next: encodePageToken(listing, [BigInt(end)]) }
    // Where nothing is, for whatever reason, nothing needs to be looked at.
    const next = bySeqs && rows.length === 0 ? await nextPosition(connection, query, { newest, position: end }) : end
    if (next === undefined) return { items }
    position = next
    if (windows === windowsMax) return { items, next: encodePageToken(listing, [BigInt(position)]) }
  }
}

/** Undefined where nothing lies beyond. */
function endOfSeqs({ newest, position }: Place, last: number): number | undefined {
  const end = newest ? position - windowSeqs : position + windowSeqs
  return end > 0 && end < last ? end : undefined
}

/** The place from which the next run is in sight, past all that has been purged or is of no interest; undefined where there is none. */
async function nextPosition(connection: Queryable, query: RunQuery, place: Place): Promise<number | undefined> {
  const seq = await seqOf(connection, query, beyond(new Conditions(), place), place.newest, 1)
  if (seq === undefined) return undefined
  return place.newest ? seq + 1 : seq - 1
}

/** The last of so many rows; undefined where there are fewer. */
function windowEnd(connection: Queryable, query: RunQuery, place: Place): Promise<number | undefined> {
  return seqOf(connection, query, beyond(new Conditions(), place), place.newest, windowRows)
}

/** Whether there are so many rows up to an end. */
async function isReached(connection: Queryable, query: RunQuery, place: Place, end: number, count: number): Promise<boolean> {
  return (await seqOf(connection, query, upTo(beyond(new Conditions(), place), place, end), place.newest, count)) !== undefined
}

/** Where the row is that is the so manyth; undefined where there are fewer. Read from an index alone where the table is vacuumed. */
async function seqOf(
  connection: Queryable,
  query: RunQuery,
  conditions: Conditions,
  newest: boolean,
  count: number,
): Promise<number | undefined> {
  if (isOpen(query)) conditions.add('open')
  const [row] = await connection.query<[number]>(
    `SELECT seq FROM {record} ${conditions.sql} ORDER BY seq ${newest ? 'DESC' : 'ASC'} OFFSET ${count - 1} LIMIT 1`,
    conditions.params,
  )
  return row?.[0]
}

function beyond(conditions: Conditions, { newest, position }: Place): Conditions {
  return conditions.add(newest ? 'seq < ?' : 'seq > ?', position)
}

function upTo(conditions: Conditions, { newest }: Place, end: number): Conditions {
  return conditions.add(newest ? 'seq >= ?' : 'seq <= ?', end)
}

async function readWindow(
  connection: Queryable,
  query: RunQuery,
  place: Place,
  end: number | undefined,
  limit: number,
): Promise<RecordRow[]> {
  const conditions = conditionsOf(query)
  if (conditions === undefined) return []
  beyond(conditions, place)
  if (end !== undefined) upTo(conditions, place, end)
  const order = `ORDER BY seq ${place.newest ? 'DESC' : 'ASC'} LIMIT ${conditions.value(limit)}`
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
  for (let position = 0; ; ) {
    const place = { newest: false, position }
    const conditions = conditionsOf(query)
    if (conditions === undefined) return counts
    const end = await windowEnd(connection, query, place)
    beyond(conditions, place)
    if (end !== undefined) conditions.add('seq <= ?', end)
    const rows = await connection.query<[string, number]>(
      `SELECT ${column}, count(*) FROM {record} ${conditions.sql} GROUP BY ${column}`,
      conditions.params,
    )
    for (const [value, count] of rows) counts.set(value, (counts.get(value) ?? 0) + count)
    if (end === undefined) return counts
    position = end
  }
}

async function lastSeq(connection: Queryable): Promise<number> {
  const [row] = await connection.query<[number]>('SELECT coalesce(max(seq), 0) FROM {record}')
  return row?.[0] ?? 0
}
