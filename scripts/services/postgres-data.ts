/** The data of a new server of Postgres: made once for each version and user, and copied from then on, which takes a tenth of the time. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** What decides whether data made by one server will do for another one. */
export interface DataOrigin {
  /** The folder of programs, whose version is asked. */
  readonly binaries: string
  /** Who owns the data; undefined for whoever runs this. */
  readonly uid: number | undefined
  /** How it is made. */
  readonly args: readonly string[]
}

/** Fills `data`, an empty folder: with what was kept, else by `make`, whose result is kept. */
export function freshData(data: string, origin: DataOrigin, make: () => void): void {
  const kept = join(cache(), `postgres-data-${nameOf(origin)}`)
  if (existsSync(kept) && copied(kept, data)) return
  make()
  const part = `${kept}-${process.pid}`
  try {
    mkdirSync(part, { recursive: true, mode: 0o700 })
    // In one step, so that another who looks sees all of it or nothing.
    if (copied(data, part)) renameSync(part, kept)
  } catch {
    // Somebody else was first, or nothing can be kept here.
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
}

function nameOf({ binaries, uid, args }: DataOrigin): string {
  const { stdout } = spawnSync(join(binaries, 'postgres'), ['--version'], { encoding: 'utf8' })
  return createHash('sha256')
    .update(JSON.stringify([stdout, uid, args]))
    .digest('hex')
    .slice(0, 16)
}

/** Owners and rights included. */
function copied(from: string, to: string): boolean {
  return spawnSync('cp', ['-a', `${from}/.`, to]).status === 0
}

function cache(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'workflow-services')
}
