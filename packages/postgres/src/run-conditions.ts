import { InvalidArgument, type RunQuery } from '@workflow/core/adapter'
import { isOpen } from '@workflow/sql'

/** Conditions of a statement, with the values that they name as `$1`, `$2` and so on. */
export class Conditions {
  readonly #parts: string[] = []
  readonly params: unknown[] = []

  /** Adds a condition; each `?` in it stands for one of the values. */
  add(sql: string, ...values: readonly unknown[]): this {
    let i = 0
    this.#parts.push(sql.replaceAll('?', () => this.value(values[i++])))
    return this
  }

  /** The name of one more value. */
  value(value: unknown): string {
    this.params.push(value)
    return `$${this.params.length}`
  }

  /** `WHERE` with everything. */
  get sql(): string {
    return this.#parts.length === 0 ? '' : `WHERE ${this.#parts.join(' AND ')}`
  }
}

/** The conditions of a query; undefined when nothing can match. */
export function conditionsOf(query: RunQuery): Conditions | undefined {
  const { workflowName, foreignId, status, runState, metadata, parent, createdAfter, createdBefore, updatedBefore } = query
  if (status?.length === 0 || runState?.length === 0) return undefined
  const conditions = new Conditions()
  if (workflowName !== undefined) conditions.add('workflow = ?', workflowName)
  if (foreignId !== undefined) conditions.add('foreign_id = ?', foreignId)
  if (status !== undefined) conditions.add('status = ANY (?::text[])', status)
  if (runState !== undefined) conditions.add('state = ANY (?::text[])', runState)
  if (isOpen(query)) conditions.add('open')
  if (metadata !== undefined && Object.keys(metadata).length > 0) conditions.add('metadata @> ?::jsonb', JSON.stringify(metadata))
  if (parent !== undefined) conditions.add('parent_run = ?', parent.runId)
  if (parent?.join !== undefined) conditions.add('parent_join = ?', parent.join)
  if (createdAfter !== undefined) conditions.add('created_at >= ?', timeOf(createdAfter))
  if (createdBefore !== undefined) conditions.add('created_at < ?', timeOf(createdBefore))
  if (updatedBefore !== undefined) conditions.add('updated_at < ?', timeOf(updatedBefore))
  return conditions
}

function timeOf(date: Date): number {
  const time = date.getTime()
  if (Number.isNaN(time)) throw new InvalidArgument('a query has an invalid date')
  return time
}
