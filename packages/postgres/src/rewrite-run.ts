import type { Payload, PayloadPlace, RecordStore } from '@workflow/core/adapter'
import { codecText, notesOf, notesText, pauseOf, pauseText, payloadOf } from '@workflow/sql'
import type { Queryable } from './database.ts'
import { textKey } from './text-key.ts'

type Scrub = Parameters<RecordStore['rewrite']>[1]

/** Replaces every payload of a run. Rows that change meanwhile are read again: their new payloads are scrubbed, too. */
export async function rewriteRun(connection: Queryable, runId: string, scrub: Scrub): Promise<void> {
  while (!(await rewriteRecord(connection, runId, scrub)));
  const [row] = await connection.query<[number]>('SELECT seq FROM {record} WHERE run_id = $1', [runId])
  const rewrite = columnRewriter(connection, runId, scrub)
  if (row !== undefined) {
    for (const kind of ['object', 'reason', 'error'] as const)
      await rewrite({ table: 'event', column: kind, key: 'id', kind, where: 'run = $1', owner: row[0] })
  }
  await rewrite({ table: 'item', column: 'body', key: 'pos', kind: 'item', where: 'run_id = $1', owner: runId })
  await rewrite({ table: 'timer', column: 'data', key: 'id', kind: 'timer', where: 'owner_key = $1', owner: textKey(runId) })
}

type RecordPayloads = readonly [
  version: number,
  codec: string,
  object: Uint8Array,
  pause: string | null,
  attempts: string | null,
  at: string,
]

/** Answers whether the row was still the same when it was written. */
async function rewriteRecord(connection: Queryable, runId: string, scrub: Scrub): Promise<boolean> {
  const [row] = await connection.query<RecordPayloads>(
    'SELECT version, object_codec, object, pause, attempts::text, xmin::text FROM {record} WHERE run_id = $1',
    [runId],
  )
  if (row === undefined) return true
  const [, codec, bytes, pauseJson, notesJson, writtenBy] = row
  const object = await scrub(payloadOf(codec, bytes, runId), { kind: 'object' })
  const pause = pauseJson === null ? undefined : pauseOf(pauseJson, runId)
  const newPause = pause === undefined ? null : pauseText({ ...pause, reason: await scrub(pause.reason, { kind: 'reason' }) })
  const notes = notesJson === null ? undefined : notesOf(notesJson, runId)
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
  // "xmin" is the transaction that wrote the row as it was read: another one since, and this finds nothing.
  const written = await connection.query(
    `UPDATE {record} SET object_codec = $3, object = $4, pause = $5, attempts = $6::jsonb
     WHERE run_id = $1 AND xmin::text = $2 RETURNING 1`,
    [runId, writtenBy, codecText(object), bufferOf(object), newPause, newNotes],
  )
  return written.length === 1
}

interface Column {
  readonly table: 'event' | 'item' | 'timer'
  readonly column: string
  readonly key: string
  readonly kind: PayloadPlace['kind']
  readonly where: string
  readonly owner: string | number
}

const pageRows = 100

function columnRewriter(connection: Queryable, runId: string, scrub: Scrub) {
  /** Goes through one payload column of a table, a page of rows at a time. */
  return async ({ table, column, key, kind, where, owner }: Column): Promise<void> => {
    const version = table === 'event' ? 'version' : 'NULL::bigint'
    const select = `SELECT ${key}, ${version}, ${column}_codec, ${column} FROM {${table}} WHERE ${where} AND ${key} > $2 AND ${column}_codec IS NOT NULL ORDER BY ${key} LIMIT ${pageRows}`
    for (let after = -1; ; ) {
      const rows = await connection.query<[id: number, version: number | null, codec: string, bytes: Uint8Array]>(select, [owner, after])
      for (const [id, at, codec, bytes] of rows) {
        const place = at === null ? { kind } : { kind, version: at }
        const payload = await scrub(payloadOf(codec, bytes, runId), place)
        await connection.query(`UPDATE {${table}} SET ${column}_codec = $2, ${column} = $3 WHERE ${key} = $1 AND ${column} = $4`, [
          id,
          codecText(payload),
          bufferOf(payload),
          Buffer.from(bytes),
        ])
      }
      after = rows.at(-1)?.[0] ?? 0
      if (rows.length < pageRows) return
    }
  }
}

function bufferOf({ bytes }: Payload): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
