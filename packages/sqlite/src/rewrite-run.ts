import type { Payload, PayloadPlace, RecordStore } from '@workflow/core/adapter'
import { codecText, notesOf, notesText, pauseOf, pauseText, payloadOf } from '@workflow/sql'
import type { Connection } from './connection.ts'
import type { Read } from './list-runs.ts'
import type { Job } from './writer.ts'

type Scrub = Parameters<RecordStore['rewrite']>[1]
type Write = <T>(job: Job<T>) => Promise<T>

/** Replaces every payload of a run. Rows that change meanwhile are read again: their new payloads are scrubbed, too. */
export async function rewriteRun(read: Read, write: Write, runId: string, scrub: Scrub): Promise<void> {
  while (!(await rewriteRecord(read, write, runId, scrub)));
  const seq = await read((connection) => connection.value<number>('SELECT seq FROM {record} WHERE run_id = ?', runId))
  if (seq !== undefined) {
    const rewrite = columnRewriter(read, write, runId, scrub)
    await rewrite('event', 'object', 'object', 'run = ?', seq)
    await rewrite('event', 'reason', 'reason', 'run = ?', seq)
    await rewrite('event', 'error', 'error', 'run = ?', seq)
  }
  const rewrite = columnRewriter(read, write, runId, scrub)
  await rewrite('item', 'body', 'item', 'run_id = ?', runId)
  await rewrite('timer', 'data', 'timer', 'owner = ?', runId)
}

interface RecordPayloads {
  readonly version: number
  readonly object_codec: string
  readonly object: Uint8Array
  readonly pause: string | null
  readonly attempts: string | null
}

/** Answers whether the row was still the same when it was written. */
async function rewriteRecord(read: Read, write: Write, runId: string, scrub: Scrub): Promise<boolean> {
  const row = await read((connection) =>
    connection.get<RecordPayloads>('SELECT version, object_codec, object, pause, attempts FROM {record} WHERE run_id = ?', runId),
  )
  if (row === undefined) return true
  const object = await scrub(payloadOf(row.object_codec, row.object, runId), { kind: 'object' })
  const pause = row.pause === null ? undefined : pauseOf(row.pause, runId)
  const newPause = pause === undefined ? null : pauseText({ ...pause, reason: await scrub(pause.reason, { kind: 'reason' }) })
  const notes = row.attempts === null ? undefined : notesOf(row.attempts, runId)
  const newNotes =
    notes === undefined
      ? null
      : notesText(
          await Promise.all(
            notes.map(async (note) =>
              note.error === undefined ? note : { ...note, error: await scrub(note.error, { kind: 'error', version: note.version }) },
            ),
          ),
        )
  return write(
    ({ connection }) =>
      connection.run(
        'UPDATE {record} SET object_codec = ?, object = ?, pause = ?, attempts = ? WHERE run_id = ? AND version = ? AND object IS ? AND pause IS ? AND attempts IS ?',
        codecText(object),
        object.bytes,
        newPause,
        newNotes,
        runId,
        row.version,
        row.object,
        row.pause,
        row.attempts,
      ) === 1,
  )
}

interface PayloadRow {
  readonly id: number
  readonly version: number | null
  readonly codec: string
  readonly bytes: Uint8Array
}

const pageRows = 100

function columnRewriter(read: Read, write: Write, runId: string, scrub: Scrub) {
  /** Goes through one payload column of a table, a page of rows at a time. Nothing of them but this column can change. */
  return async (
    table: 'event' | 'item' | 'timer',
    column: string,
    kind: PayloadPlace['kind'],
    where: string,
    owner: string | number,
  ): Promise<void> => {
    const version = table === 'event' ? 'version' : 'NULL'
    const select = `SELECT id, ${version} AS version, ${column}_codec AS codec, ${column} AS bytes FROM {${table}} WHERE ${where} AND +id > ? AND ${column}_codec IS NOT NULL ORDER BY +id LIMIT ${pageRows}`
    for (let after = 0; ; ) {
      const rows = await read((connection: Connection) => connection.all<PayloadRow>(select, owner, after))
      const scrubbed: (readonly [row: PayloadRow, payload: Payload])[] = []
      for (const row of rows) {
        const place = row.version === null ? { kind } : { kind, version: row.version }
        scrubbed.push([row, await scrub(payloadOf(row.codec, row.bytes, runId), place)])
      }
      await write(({ connection }) => {
        for (const [row, payload] of scrubbed) {
          connection.run(
            `UPDATE {${table}} SET ${column}_codec = ?, ${column} = ? WHERE id = ? AND ${column} IS ?`,
            codecText(payload),
            payload.bytes,
            row.id,
            row.bytes,
          )
        }
      })
      after = rows.at(-1)?.id ?? 0
      if (rows.length < pageRows) return
    }
  }
}
