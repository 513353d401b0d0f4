import { checkedMs, type Clock, Configuration, type Duration, systemClock } from '@workflow/core/adapter'
import type { SqliteDatabase } from './driver.ts'

/** Which database, and how it is used. */
export interface SessionOptions {
  /**
   * Path of the database file; created where it does not exist. `':memory:'` keeps everything in this process, without
   * transactional steps. Give either this or `database`.
   */
  readonly file?: string
  /**
   * A handle of better-sqlite3 that is already open. It stays yours: `close()` does not close it. It is switched to WAL,
   * and its busy timeout to 0, because waiting inside SQLite would stop the whole process.
   */
  readonly database?: SqliteDatabase
  /** Put before the name of every table. Letters, digits and `_`. @default 'workflow_' */
  readonly tablePrefix?: string
  /**
   * What survives what. `'NORMAL'`: everything survives the end of this process; a power cut may take the last commits,
   * and never breaks the file. `'FULL'`: power cuts, too, at the price of one disk sync per batch.
   * @default 'NORMAL'
   */
  readonly synchronous?: 'NORMAL' | 'FULL'
  /** `'auto'` creates and upgrades the tables at the first use; `'manual'` throws `Configuration` if they are not up to date. @default 'auto' */
  readonly migrate?: 'auto' | 'manual'
  /** How long a write waits for other processes before it throws `StoreUnavailable`. The event loop goes on meanwhile. @default '5s' */
  readonly busyTimeout?: Duration
  /**
   * How often to look whether another process has written, while there is something to do; an idle process looks up to
   * five times less often. Commits of this process are seen at once in any case. `false`: no other process writes.
   * @default '20ms'
   */
  readonly crossProcessPolling?: Duration | false
  /** Memory for pages of the file, in MiB. @default 64 */
  readonly cacheMebibytes?: number
  /** @default systemClock */
  readonly clock?: Clock
}

/** `SessionOptions`, checked and with defaults. */
export interface SessionSettings {
  readonly file: string
  readonly database: SqliteDatabase | undefined
  readonly prefix: string
  readonly synchronous: 'NORMAL' | 'FULL'
  readonly migrate: 'auto' | 'manual'
  readonly busyTimeoutMs: number
  /** 0: do not poll. */
  readonly pollingMs: number
  readonly cacheMebibytes: number
  readonly clock: Clock
}

/** The prefix where none is given. */
export const prefixDefault = 'workflow_'
const known: ReadonlySet<string> = new Set([
  'file',
  'database',
  'tablePrefix',
  'synchronous',
  'migrate',
  'busyTimeout',
  'crossProcessPolling',
  'cacheMebibytes',
  'clock',
])

/** Checks the options of a session; `others` are names that the caller has options under. Throws `Configuration`. */
export function sessionSettings(options: SessionOptions, others: readonly string[] = []): SessionSettings {
  // From JavaScript anything may come.
  if (typeof options !== 'object' || options === null) {
    throw new Configuration(`sqlite takes an object of options, like sqlite({ file: 'workflow.db' }); got ${JSON.stringify(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (!known.has(name) && !others.includes(name)) {
      throw new Configuration(`sqlite has no option ${JSON.stringify(name)}; it knows ${[...known, ...others].join(', ')}`)
    }
  }
  const pollingMs =
    options.crossProcessPolling === false ? 0 : checkedMs(options.crossProcessPolling ?? '20ms', "sqlite's crossProcessPolling", 1)
  const cacheMebibytes = options.cacheMebibytes ?? 64
  if (!Number.isInteger(cacheMebibytes) || cacheMebibytes < 1 || cacheMebibytes > 65_536) {
    throw new Configuration(`sqlite's cacheMebibytes must be a whole number from 1 to 65536; got ${String(cacheMebibytes)}`)
  }
  return {
    file: fileOf(options),
    database: options.database,
    prefix: checkedPrefix(options.tablePrefix),
    synchronous: oneOf('synchronous', options.synchronous ?? 'NORMAL', ['NORMAL', 'FULL']),
    migrate: oneOf('migrate', options.migrate ?? 'auto', ['auto', 'manual']),
    busyTimeoutMs: checkedMs(options.busyTimeout ?? '5s', "sqlite's busyTimeout", 0),
    pollingMs,
    cacheMebibytes,
    clock: options.clock ?? systemClock,
  }
}

/** A table prefix that is safe inside SQL; the default for undefined. Throws `Configuration`. */
export function checkedPrefix(prefix: string | undefined): string {
  const value = prefix ?? prefixDefault
  if (typeof value !== 'string' || !/^(?:[A-Za-z_][A-Za-z0-9_]{0,39})?$/.test(value) || value.toLowerCase().startsWith('sqlite_')) {
    throw new Configuration(
      `sqlite's tablePrefix must be up to 40 letters, digits and '_', not starting with a digit or 'sqlite_'; got ${JSON.stringify(value)}`,
    )
  }
  return value
}

function fileOf({ file, database }: SessionOptions): string {
  if ((file === undefined) === (database === undefined)) {
    throw new Configuration("sqlite needs either a file or an open database: sqlite({ file: 'workflow.db' })")
  }
  if (database !== undefined) {
    if (typeof database.prepare !== 'function' || typeof database.pragma !== 'function') {
      throw new Configuration("sqlite's database must be an open handle of better-sqlite3")
    }
    return database.name === '' ? ':memory:' : database.name
  }
  if (typeof file !== 'string' || file === '' || file.includes('\0')) {
    throw new Configuration(`sqlite's file must be a path; got ${JSON.stringify(file)}`)
  }
  return file
}

function oneOf<T extends string>(name: string, value: T, values: readonly T[]): T {
  if (!values.includes(value)) {
    throw new Configuration(`sqlite's ${name} must be one of ${values.join(', ')}; got ${JSON.stringify(value)}`)
  }
  return value
}
