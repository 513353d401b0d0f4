import type { HistoryEntry } from '../model/history-entry.ts'
import type { Payload } from '../model/payload.ts'
import type { PayloadPlace } from '../ports/record-store.ts'
import type { MemoryDatabase } from './memory-database.ts'
import { copyPayload } from './payload-copy.ts'
import type { StoredRun } from './stored-run.ts'

type Scrub = (payload: Payload, place: PayloadPlace) => Promise<Payload>

/**
 * Replaces every payload of a run, one after another. The run may move meanwhile: what `scrub` made is put into the
 * place only of what it was made from.
 */
export async function scrubRun(database: MemoryDatabase, run: StoredRun, scrub: Scrub): Promise<void> {
  await scrubRecord(run, scrub)
  for (let version = 1; version <= run.version; version++) await scrubEntry(run, version, scrub)
  for (const inbox of run.inboxes?.values() ?? []) {
    for (const item of inbox.items) inbox.replaceBody(item, await scrub(item.body, { kind: 'item' }))
  }
  for (const note of run.notes) {
    if (note.error !== undefined)
      run.replaceNote(note, { ...note, error: copyPayload(await scrub(note.error, { kind: 'error', version: note.version })) })
  }
  for (const row of database.timers.ofOwner(run.runId)) {
    const { data } = row.timer
    if (data === undefined) continue
    const scrubbed = await scrub(data, { kind: 'timer' })
    if (row.timer.data === data) database.timers.replaceData(row, scrubbed)
  }
}

async function scrubRecord(run: StoredRun, scrub: Scrub): Promise<void> {
  for (;;) {
    const seen = run.record
    const object = await scrub(seen.object, { kind: 'object' })
    const pause =
      seen.pause === undefined ? undefined : { ...seen.pause, reason: copyPayload(await scrub(seen.pause.reason, { kind: 'reason' })) }
    if (run.version !== seen.version) continue
    run.replacePayloads(object, pause)
    return
  }
}

async function scrubEntry(run: StoredRun, version: number, scrub: Scrub): Promise<void> {
  const entry = run.entry(version)
  if (entry === undefined) return
  const scrubbed: { -readonly [Kind in 'object' | 'reason' | 'error']?: Payload } = {}
  for (const kind of ['object', 'reason', 'error'] as const) {
    const payload: HistoryEntry[typeof kind] = entry[kind]
    if (payload !== undefined) scrubbed[kind] = await scrub(payload, { kind, version })
  }
  run.replaceEntry({ ...entry, ...scrubbed })
}
