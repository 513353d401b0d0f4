import { isFinished, type Change, type NextRecord, type Unit } from '@workflow/core/adapter'
import { codecText, metadataText, openStates, pauseText, writerText } from '@workflow/sql'
import type { Batch } from './batch.ts'

/** The seq of the changed run, or why the change was refused. */
export type ChangeOutcome = number | 'conflict' | 'in-progress'

/** Writes one change with its event. Whoever refuses has written nothing. `unit` says which items the change consumes. */
export function applyChange(batch: Batch, change: Change, unit: Unit): ChangeOutcome {
  if (change.ifEmpty !== undefined && hasItems(batch, change.next.runId, change.ifEmpty, unit)) {
    return 'conflict'
  }
  const outcome = change.expect === 'absent' ? insert(batch, change.next) : update(batch, change.next, change.expect)
  if (typeof outcome === 'number') {
    batch.transition(change.event, change.history, outcome)
  }
  return outcome
}

function hasItems({ connection }: Batch, runId: string, stream: string, unit: Unit): boolean {
  let through = 0
  for (const consume of unit.consume ?? []) {
    if (consume.runId === runId && consume.stream === stream) through = Math.max(through, consume.through)
  }
  return (
    connection.value(
      'SELECT 1 FROM {item} WHERE run_id = ? AND stream = ? AND consumed = 0 AND pos > ? LIMIT 1',
      runId,
      stream,
      through,
    ) !== undefined
  )
}

function insert(batch: Batch, next: NextRecord): ChangeOutcome {
  const { connection } = batch
  const seq = batch.nextSeq()
  const finished = isFinished(next.runState)
  const changes = connection.run(
    `INSERT INTO {record} (seq, run_id, workflow, foreign_id, version, status, state, ended, open, entered_version, entered_at, repeat, created_at, updated_at,
      finished_at, writer, metadata, parent_workflow, parent_run, parent_join, traceparent, pause, object_codec, object)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    seq,
    next.runId,
    next.workflowName,
    next.foreignId,
    next.version,
    next.status,
    next.runState,
    finished ? seq : 0,
    openStates.includes(next.runState) ? 1 : 0,
    next.entered.version,
    next.entered.at.getTime(),
    next.repeat,
    next.createdAt.getTime(),
    next.updatedAt.getTime(),
    next.finishedAt?.getTime() ?? null,
    writerText(next.writer),
    metadataText(next.metadata),
    next.parent?.workflowName ?? null,
    next.parent?.runId ?? null,
    next.parent?.join ?? null,
    next.traceparent ?? null,
    pauseText(next.pause),
    codecText(next.object),
    next.object.bytes,
  )
  if (changes === 0) {
    return connection.value('SELECT 1 FROM {record} WHERE run_id = ?', next.runId) === undefined ? 'in-progress' : 'conflict'
  }
  batch.tookSeq()
  batch.knownSeqs.set(next.runId, seq)
  return seq
}

// SQLite rewrites the entries of every index whose columns are assigned, even to the same value: so the common change
// leaves out what only a run's end changes.
const common = `version = ?, status = ?, state = ?, entered_version = ?, entered_at = ?, repeat = ?, updated_at = ?, writer = ?,
  metadata = ?, traceparent = ?, pause = ?, object_codec = ?, object = ?, attempts = NULL`

function update(batch: Batch, next: NextRecord, expect: number): ChangeOutcome {
  const { connection, knownSeqs } = batch
  const finishes = isFinished(next.runState)
  const set = finishes ? `${common}, ended = seq, finished_at = ?, open = ?` : common
  const values: unknown[] = [
    next.version,
    next.status,
    next.runState,
    next.entered.version,
    next.entered.at.getTime(),
    next.repeat,
    next.updatedAt.getTime(),
    writerText(next.writer),
    metadataText(next.metadata),
    next.traceparent ?? null,
    pauseText(next.pause),
    codecText(next.object),
    next.object.bytes,
  ]
  if (finishes) values.push(next.finishedAt?.getTime() ?? null, openStates.includes(next.runState) ? 1 : 0)
  const known = knownSeqs.get(next.runId)
  if (
    known !== undefined &&
    connection.run(`UPDATE {record} SET ${set} WHERE seq = ? AND version = ? AND run_id = ?`, ...values, known, expect, next.runId) > 0
  )
    return known
  const seq = connection.value<number>(
    `UPDATE {record} SET ${set} WHERE run_id = ? AND version = ? RETURNING seq`,
    ...values,
    next.runId,
    expect,
  )
  if (seq === undefined) return 'conflict'
  knownSeqs.set(next.runId, seq)
  return seq
}
