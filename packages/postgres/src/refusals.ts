/** What to answer for a unit that was not written: it had been before, or something stands in its way. */
import type { Change, CommitResult, RunRecord, Unit } from '@workflow/core/adapter'
import { recordOf, type RecordRow } from '@workflow/sql'
import type { Queryable } from './database.ts'
import { recordColumns } from './record-columns.ts'

/** A refusal as the database gives it: `r`, or `c`, `f` or `a` with a number. */
export interface Refusal {
  readonly unit: Unit
  readonly why: string
  /** The change that `c` is about. */
  readonly change: Change | undefined
  readonly final: boolean
}

/** The answer; undefined when nothing stands in the way any more, so that the unit should be tried again. */
export async function resolveRefusal(connection: Queryable, { unit, why, change, final }: Refusal): Promise<CommitResult | undefined> {
  if (why === 'r') return { ok: true, replayed: true, final, seqs: [] }
  const replayed = await replayOf(connection, unit, final)
  if (replayed !== undefined) return replayed
  if (why.startsWith('c') && change !== undefined) return changeRefused(connection, change)
  const runId = unit.append?.[Number(why.slice(1))]?.runId ?? ''
  return { ok: false, reason: why.startsWith('f') ? 'finished' : 'conflict', runId, current: await recordById(connection, runId) }
}

async function replayOf(connection: Queryable, { id, changes = [] }: Unit, final: boolean): Promise<CommitResult | undefined> {
  if (changes.length === 0) return undefined
  const rows = await connection.query<[number, boolean]>(
    `SELECT coalesce(r.seq, 0), coalesce(EXISTS (
       SELECT 1 FROM {event} e WHERE e.run = r.seq AND e.version = w.version AND e.unit = $3 AND e.entry IS NOT NULL
     ), false)
     FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS w(run, version, at) LEFT JOIN {record} r ON r.run_id = w.run ORDER BY w.at`,
    [changes.map(({ next }) => next.runId), changes.map(({ next }) => next.version), id],
  )
  if (!rows.some(([, known]) => known)) return undefined
  return { ok: true, replayed: true, final, seqs: rows.map(([seq]) => BigInt(seq)) }
}

async function changeRefused(connection: Queryable, { expect, next }: Change): Promise<CommitResult | undefined> {
  const { runId } = next
  const current = await recordById(connection, runId)
  if (expect !== 'absent' || current !== undefined) return { ok: false, reason: 'conflict', runId, current }
  const [row] = await connection.query<RecordRow>(
    `SELECT ${recordColumns} FROM {record} WHERE workflow = $1 AND foreign_id = $2 AND ended = 0`,
    [next.workflowName, next.foreignId],
  )
  return row === undefined ? undefined : { ok: false, reason: 'in-progress', runId, current: recordOf(row, true) }
}

async function recordById(connection: Queryable, runId: string): Promise<RunRecord | undefined> {
  const [row] = await connection.query<RecordRow>(`SELECT ${recordColumns} FROM {record} WHERE run_id = $1`, [runId])
  return row === undefined ? undefined : recordOf(row, true)
}
