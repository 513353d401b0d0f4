import type { EventStreamer, RecordStore } from '@workflow/core/adapter'
import { layout, unitOf } from './make-unit.ts'

interface WrittenTo extends AsyncDisposable {
  readonly recordStore: Pick<RecordStore, 'lookup' | 'commit'>
  readonly eventStreamer: EventStreamer
}

/** What a child does: takes runs from version to version, and says each that was answered. `versions` 0: until it is killed. */
export async function write(db: WrittenTo, name: string, runs: number, versions: number): Promise<void> {
  await db.eventStreamer.ensure(layout)
  process.stdout.write('ready\n')
  const advance = async (runId: string): Promise<void> => {
    const stored = await db.recordStore.lookup(runId)
    for (let version = (stored?.version ?? 0) + 1; versions === 0 || version <= versions; version++) {
      const result = await db.recordStore.commit(unitOf(runId, version))
      if (!result.ok) throw new Error(`${runId} at ${version}: ${result.reason}`)
      // What was answered must be there afterwards: the parent reads it.
      process.stdout.write(`${runId} ${version}\n`)
    }
  }
  await Promise.all(Array.from({ length: runs }, (_, i) => advance(`${name}-${i}`)))
  await db[Symbol.asyncDispose]()
}
