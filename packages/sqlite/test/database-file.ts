import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SqliteDatabase } from '../src/index.ts'

type Driver = new (file: string, options?: { readonly timeout?: number; readonly readonly?: boolean }) => SqliteDatabase
const driver = createRequire(import.meta.url)('better-sqlite3') as Driver

/** A handle of its own, as an application or another process would have it. */
export function openHandle(file: string, readonly = false): SqliteDatabase {
  return new driver(file, { timeout: 2_000, readonly })
}

export interface TemporaryFolder extends Disposable {
  readonly folder: string
  readonly file: (name: string) => string
}

/** A folder that is gone when it is disposed. */
export function temporaryFolder(): TemporaryFolder {
  const folder = mkdtempSync(join(tmpdir(), 'workflow-sqlite-'))
  return {
    folder,
    file: (name: string): string => join(folder, name),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
