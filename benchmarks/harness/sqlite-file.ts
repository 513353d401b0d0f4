/** Databases in a temporary folder that goes when they are closed. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqlite } from '@workflow/sqlite'
import type { Opened } from '../cases/throughput.ts'
import type { Place } from './database.ts'

export interface TemporaryFile extends Disposable {
  readonly file: string
  readonly megabytes: () => number
}

/** The path of a database that does not exist yet. `BENCH_TMP` says on which disk. */
export function temporaryFile(): TemporaryFile {
  const folder = mkdtempSync(join(process.env['BENCH_TMP'] ?? tmpdir(), 'workflow-bench-'))
  const file = join(folder, 'workflow.db')
  return { file, megabytes: () => statSync(file).size / 1e6, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

/** The same for cases that run on several databases. */
export async function filePlace(): Promise<Place> {
  const temporary = temporaryFile()
  return {
    address: temporary.file,
    megabytes: async () => temporary.megabytes(),
    [Symbol.asyncDispose]: async () => temporary[Symbol.dispose](),
  }
}

/** Fresh infrastructure on a fresh file. */
export function openFresh(synchronous: 'NORMAL' | 'FULL'): Opened {
  const temporary = temporaryFile()
  const database = sqlite({ file: temporary.file, synchronous })
  return {
    infrastructure: database,
    [Symbol.asyncDispose]: async () => {
      await database.close()
      temporary[Symbol.dispose]()
    },
  }
}
