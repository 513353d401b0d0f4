import { soonestOf, type Timer, type TimerKey, type TimerOp } from '@workflow/core/adapter'
import { codecText } from '@workflow/sql'
import type { Batch } from './batch.ts'

const byKey = "WHERE owner = ? AND kind = ? AND epoch = ? AND name = ? AND status = 'open'"

/** Applies timer operations in order. None can be refused. */
export function applyTimers(batch: Batch, ops: readonly TimerOp[]): void {
  const { connection } = batch
  batch.soonestTimerMs = Math.min(batch.soonestTimerMs, soonestOf(ops))
  for (const op of ops) {
    if ('put' in op) put(batch, op.put)
    else if ('settle' in op) {
      connection.run(`UPDATE {timer} SET status = ?, data_codec = NULL, data = NULL ${byKey}`, op.as, ...keyOf(op.settle))
    } else if ('move' in op) {
      const { at, attempt, data } = op
      if (data === undefined) {
        connection.run(`UPDATE {timer} SET at = ?, attempt = ? ${byKey}`, at.getTime(), attempt, ...keyOf(op.move))
      } else {
        connection.run(
          `UPDATE {timer} SET at = ?, attempt = ?, data_codec = ?, data = ? ${byKey}`,
          at.getTime(),
          attempt,
          codecText(data),
          data.bytes,
          ...keyOf(op.move),
        )
      }
    } else if ('hold' in op) {
      connection.run("UPDATE {timer} SET held = 1 WHERE owner = ? AND status = 'open'", op.hold)
    } else if ('release' in op) {
      connection.run("UPDATE {timer} SET held = 0 WHERE owner = ? AND status = 'open'", op.release)
    } else {
      connection.run("UPDATE {timer} SET status = 'cancelled' WHERE owner = ? AND status = 'open'", op.cancelOwner)
    }
  }
}

function put({ connection }: Batch, { key, workflowName, slot, at, held, attempt, data }: Timer): void {
  connection.run(
    `INSERT INTO {timer} (owner, kind, epoch, name, workflow, slot, at, held, attempt, status, data_codec, data)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?) ON CONFLICT DO NOTHING`,
    ...keyOf(key),
    workflowName,
    slot,
    at.getTime(),
    held ? 1 : 0,
    attempt,
    data === undefined ? null : codecText(data),
    data?.bytes ?? null,
  )
}

function keyOf(key: TimerKey): readonly [string, string, number, string] {
  return [key.owner, key.kind, key.epoch, key.name]
}
