/**
 * Listings and counts over all runs. No index changes with every transition for their sake: so they read the table, or
 * the index of open runs, in windows, with a turn of the event loop after each.
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
import { isOpen, recordColumns, recordOf, type RecordRow } from '@workflow/sql'
import type { Connection } from './connection.ts'
import { conditionsOf, whereOf, type Condition } from './run-conditions.ts'

/** Reads from the database of a store. */
export type Read = <T>(work: (connection: Connection) => T) => Promise<T>

/** So many rows are looked at in one go. */
const windowRows = 4_000
/** A page ends, even if it is not full, after so many windows: whoever looks for few among many gets its answers soon. */
const windowsMax = 10
/** Of those that the index of open runs leads through, which pass over all others. */
const openWindowsMax = 100

/** A page of runs by seq. */
export async function listRuns(read: Read, query: RunQuery, page: PageOptions): Promise<Page<RunRecord>> {
  assertPageLimit(page)
  const newest = query.order === 'newest'
  const listing = newest ? 'runs, newest first' : 'runs'
  const after = decodePageToken(listing, page.after, ['bigint'])?.[0]
  // An index leads to the few runs of a foreign id or a parent: no windows are needed then.
  const few = (query.workflowName !== undefined && query.foreignId !== undefined) || query.parent !== undefined
  const conditions = conditionsOf(query, !few)
  if (conditions === undefined) return { items: [] }
  const source = few ? '{record}' : sourceOf(query)
  if (isOpen(query)) conditions.push(['open = 1'])
  const limit = source === '{record}' ? windowsMax : openWindowsMax
  const items: RunRecord[] = []
  const last = await read((connection) => connection.value<number | null>('SELECT max(seq) FROM {record}') ?? 0)
  const step = few ? last + 1 : windowRows
  let position = after === undefined ? (newest ? last + 1 : 0) : Number(after)
  for (let windows = 0; newest ? position > 1 : position < last; windows++) {
    if (windows === limit) return { items, next: encodePageToken(listing, [BigInt(position)]) }
    const range: Condition = newest
      ? ['seq < ? AND seq >= ?', position, position - step]
      : ['seq > ? AND seq <= ?', position, position + step]
    const { sql, params } = whereOf([range, ...conditions])
    const missing = page.limit - items.length
    const rows = await read((connection) =>
      connection.raw<RecordRow>(
        `SELECT ${recordColumns} FROM ${source} ${sql} ORDER BY seq ${newest ? 'DESC' : 'ASC'} LIMIT ?`,
        ...params,
        missing + 1,
      ),
    )
    const taken = rows.slice(0, missing)
    for (const row of taken) {
      const record = readableRecord(row)
      if (record !== undefined) items.push(record)
    }
    const [seq] = taken.at(-1) ?? []
    if (rows.length > missing) return { items, next: encodePageToken(listing, [BigInt(seq ?? position)]) }
    position += newest ? -step : step
    // Where nothing is, for whatever reason, nothing needs to be looked at.
    if (rows.length === 0 && !few) position = await nextPosition(read, source, newest, position)
    await turn()
  }
  return { items }
}

/** The index is named, because SQLite takes the table's own order for cheaper. */
function sourceOf(query: RunQuery): string {
  return isOpen(query) ? '{record} INDEXED BY {record_open}' : '{record}'
}

/** The place from which the next run is in sight, past all that has been purged or is of no interest. */
async function nextPosition(read: Read, source: string, newest: boolean, position: number): Promise<number> {
  const open = source === '{record}' ? '' : 'open = 1 AND '
  const sql = `SELECT seq FROM ${source} WHERE ${open}${newest ? 'seq < ? ORDER BY seq DESC' : 'seq > ? ORDER BY seq'} LIMIT 1`
  const seq = await read((connection) => connection.value<number>(sql, position))
  if (seq === undefined) return newest ? 0 : Number.MAX_SAFE_INTEGER
  return newest ? seq + 1 : seq - 1
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
export async function countRuns(read: Read, query: RunQuery, by: 'status' | 'runState'): Promise<ReadonlyMap<string, number>> {
  const conditions = conditionsOf(query, true)
  const counts = new Map<string, number>()
  if (conditions === undefined) return counts
  const last = await read((connection) => connection.value<number | null>('SELECT max(seq) FROM {record}') ?? 0)
  const column = by === 'status' ? 'status' : 'state'
  const source = sourceOf(query)
  if (isOpen(query)) conditions.push(['open = 1'])
  for (let position = 0; position < last; position += windowRows) {
    const { sql, params } = whereOf([['seq > ? AND seq <= ?', position, position + windowRows], ...conditions])
    const rows = await read((connection) =>
      connection.raw<[string, number]>(`SELECT ${column}, count(*) FROM ${source} ${sql} GROUP BY ${column}`, ...params),
    )
    for (const [value, count] of rows) counts.set(value, (counts.get(value) ?? 0) + count)
    await turn()
  }
  return counts
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
