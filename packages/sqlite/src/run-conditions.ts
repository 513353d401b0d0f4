import { InvalidArgument, type RunQuery } from '@workflow/core/adapter'

/** A condition of SQL with its values. */
export type Condition = readonly [sql: string, ...params: unknown[]]

/**
 * The conditions of a query; undefined when nothing can match. `scan` keeps SQLite from an index of the workflow, which
 * would lead it through all of its runs where a range of seqs was asked for.
 */
export function conditionsOf(query: RunQuery, scan = false): Condition[] | undefined {
  const { workflowName, foreignId, status, runState, metadata, parent, createdAfter, createdBefore, updatedBefore } = query
  if (status?.length === 0 || runState?.length === 0) return undefined
  const conditions: Condition[] = []
  if (workflowName !== undefined) conditions.push([scan ? '+workflow = ?' : 'workflow = ?', workflowName])
  if (foreignId !== undefined) conditions.push(['foreign_id = ?', foreignId])
  if (status !== undefined) conditions.push(['status IN (SELECT value FROM json_each(?))', JSON.stringify(status)])
  if (runState !== undefined) conditions.push(['state IN (SELECT value FROM json_each(?))', JSON.stringify(runState)])
  for (const [key, value] of Object.entries(metadata ?? {})) {
    // Texts are looked for many times quicker than pairs, and most rows do not have these at all.
    conditions.push(['instr(metadata, ?) > 0 AND instr(metadata, ?) > 0', JSON.stringify(value), JSON.stringify(key)])
    conditions.push(['EXISTS (SELECT 1 FROM json_each(metadata) AS pair WHERE pair.key = ? AND pair.value = ?)', key, value])
  }
  if (parent !== undefined) conditions.push(['parent_run = ?', parent.runId])
  if (parent?.join !== undefined) conditions.push(['parent_join = ?', parent.join])
  if (createdAfter !== undefined) conditions.push(['created_at >= ?', timeOf(createdAfter)])
  if (createdBefore !== undefined) conditions.push(['created_at < ?', timeOf(createdBefore)])
  if (updatedBefore !== undefined) conditions.push(['updated_at < ?', timeOf(updatedBefore)])
  return conditions
}

/** `WHERE` and its values. */
export function whereOf(conditions: readonly Condition[]): { readonly sql: string; readonly params: readonly unknown[] } {
  return {
    sql: conditions.length === 0 ? '' : `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`,
    params: conditions.flatMap(([, ...params]) => params),
  }
}

function timeOf(date: Date): number {
  const time = date.getTime()
  if (Number.isNaN(time)) throw new InvalidArgument('a query has an invalid date')
  return time
}
