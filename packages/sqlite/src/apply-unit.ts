/**
 * One unit inside a write transaction: all of it or nothing. SQLite's write lock is ours, so what is read here cannot
 * change before the commit. The common unit, one change and nothing that can refuse after it, needs no savepoint.
 */
import {
  type Append,
  type AttemptNote,
  type CommitResult,
  type Consume,
  replacesNote,
  type RunRecord,
  type TimerOp,
  type Unit,
} from '@workflow/core/adapter'
import { codecText, notesOf, notesText, recordColumns, recordOf, type RecordRow } from '@workflow/sql'
import { applyChange } from './apply-change.ts'
import { applyTimers } from './apply-timers.ts'
import type { Batch } from './batch.ts'

interface Refusal {
  readonly reason: 'conflict' | 'in-progress' | 'finished'
  readonly runId: string
  readonly foreign?: readonly [workflow: string, foreignId: string]
}

/** Applies a unit that `assertUnit` has let through. `final` goes into the answer. */
export function applyUnit(batch: Batch, unit: Unit, final: boolean): CommitResult {
  const changes = unit.changes ?? []
  const savepoint = changes.length > 1 || unit.append !== undefined
  const events = batch.events.length
  if (savepoint) batch.connection.run('SAVEPOINT unit')
  // Inside the savepoint: what is refused leaves no trace, or it would be taken for committed when it is sent again.
  if (changes.length === 0 && wasApplied(batch, unit)) {
    if (savepoint) batch.connection.run('RELEASE unit')
    return { ok: true, replayed: true, final, seqs: [] }
  }
  const seqs: bigint[] = []
  const refusal = applyParts(batch, unit, seqs)
  if (refusal !== undefined && savepoint) {
    batch.connection.run('ROLLBACK TO unit')
    batch.truncate(events)
  }
  if (savepoint) batch.connection.run('RELEASE unit')
  return refusal === undefined ? { ok: true, replayed: false, final, seqs } : refused(batch, unit, refusal, final)
}

function applyParts(batch: Batch, unit: Unit, seqs: bigint[]): Refusal | undefined {
  for (const change of unit.changes ?? []) {
    const outcome = applyChange(batch, change, unit)
    if (typeof outcome !== 'number') {
      const { runId, workflowName, foreignId } = change.next
      return { reason: outcome, runId, ...(outcome === 'in-progress' ? { foreign: [workflowName, foreignId] } : {}) }
    }
    seqs.push(BigInt(outcome))
  }
  for (const append of unit.append ?? []) {
    const reason = applyAppend(batch, append)
    if (reason !== undefined) return { reason, runId: append.runId }
  }
  if (unit.consume !== undefined) for (const consume of unit.consume) applyConsume(batch, consume)
  if (unit.timers !== undefined) applyTimers(batch, unit.timers)
  if (unit.attempts !== undefined) for (const note of unit.attempts) applyNote(batch, note)
  if (unit.emit !== undefined) for (const event of unit.emit) batch.append(event, seqOf(batch, event.runId))
  return undefined
}

/** Knows a unit without changes by its own row, and leaves one where there is none. Its owner is the run whose purge takes the row along. */
function wasApplied({ connection }: Batch, unit: Unit): boolean {
  const [timer] = unit.timers ?? []
  const owner =
    unit.append?.[0]?.runId ??
    unit.consume?.[0]?.runId ??
    unit.attempts?.[0]?.runId ??
    unit.emit?.[0]?.runId ??
    (timer === undefined ? '' : ownerOf(timer))
  const seq = connection.value<number>('INSERT INTO {unit} (owner, id) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING seq', owner, unit.id)
  if (seq === undefined) return true
  if (seq % unitsTrimmed === 0) connection.run('DELETE FROM {unit} WHERE seq <= ?', seq - unitsKept)
  return false
}

/** A unit is sent again within seconds, if ever: so many are remembered, and the rest is forgotten in steps. */
const unitsKept = 100_000
const unitsTrimmed = 1_000

function ownerOf(op: TimerOp): string {
  if ('put' in op) return op.put.key.owner
  if ('settle' in op) return op.settle.owner
  if ('move' in op) return op.move.owner
  if ('hold' in op) return op.hold
  return 'release' in op ? op.release : op.cancelOwner
}

function refused(batch: Batch, unit: Unit, { reason, runId, foreign }: Refusal, final: boolean): CommitResult {
  const { connection } = batch
  const changes = unit.changes ?? []
  const replayed = changes.some(
    ({ next }) =>
      connection.value<string>(
        'SELECT e.unit FROM {event} e JOIN {record} r ON e.run = r.seq WHERE r.run_id = ? AND e.version = ? AND e.unit IS NOT NULL',
        next.runId,
        next.version,
      ) === unit.id,
  )
  if (replayed) {
    return { ok: true, replayed: true, final, seqs: changes.map(({ next }) => BigInt(seqOf(batch, next.runId) ?? 0)) }
  }
  const row =
    foreign === undefined
      ? connection.first<RecordRow>(`SELECT ${recordColumns} FROM {record} WHERE run_id = ?`, runId)
      : connection.first<RecordRow>(`SELECT ${recordColumns} FROM {record} WHERE workflow = ? AND foreign_id = ? AND ended = 0`, ...foreign)
  const current: RunRecord | undefined = row === undefined ? undefined : recordOf(row, true)
  return { ok: false, reason, runId, current }
}

function applyAppend(
  { connection }: Batch,
  { runId, stream, id, body, ifUnfinished, ifVersion }: Append,
): 'conflict' | 'finished' | undefined {
  if (connection.value('SELECT 1 FROM {item} WHERE run_id = ? AND stream = ? AND item_id = ?', runId, stream, id) !== undefined) {
    return undefined
  }
  if (ifUnfinished || ifVersion !== undefined) {
    const run = connection.get<{ version: number; ended: number }>('SELECT version, ended FROM {record} WHERE run_id = ?', runId)
    if (ifUnfinished && (run === undefined || run.ended !== 0)) return 'finished'
    if (ifVersion !== undefined && run?.version !== ifVersion) return 'conflict'
  }
  const last = 'SELECT max(pos) FROM {item} WHERE run_id = ? AND stream = ? AND consumed ='
  const pos =
    Math.max(
      connection.value<number | null>(`${last} 0`, runId, stream) ?? 0,
      connection.value<number | null>(`${last} 1`, runId, stream) ?? 0,
    ) + 1
  connection.run(
    'INSERT INTO {item} (run_id, stream, item_id, consumed, pos, body_codec, body) VALUES (?, ?, ?, 0, ?, ?, ?)',
    runId,
    stream,
    id,
    pos,
    codecText(body),
    body.bytes,
  )
  return undefined
}

function applyConsume({ connection }: Batch, { runId, stream, through }: Consume): void {
  connection.run('UPDATE {item} SET consumed = 1 WHERE run_id = ? AND stream = ? AND consumed = 0 AND pos <= ?', runId, stream, through)
}

/** Notes lie in the record's row, so that a transition drops them by writing its own row. */
function applyNote({ connection }: Batch, note: AttemptNote): void {
  const stored = connection.get<{ attempts: string | null }>(
    'SELECT attempts FROM {record} WHERE run_id = ? AND version = ?',
    note.runId,
    note.version,
  )
  if (stored === undefined) return
  const known = stored.attempts === null ? [] : notesOf(stored.attempts, note.runId)
  if (known.some((earlier) => earlier.process === note.process && !replacesNote(note, earlier))) return
  const others = known.filter(({ process }) => process !== note.process)
  connection.run('UPDATE {record} SET attempts = ? WHERE run_id = ?', notesText([...others, note]), note.runId)
}

function seqOf({ connection }: Batch, runId: string): number | null {
  return connection.value<number>('SELECT seq FROM {record} WHERE run_id = ?', runId) ?? null
}
