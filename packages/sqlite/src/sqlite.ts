import {
  checkedMs,
  Configuration,
  type Duration,
  type EventStreamer,
  type RecordStore,
  type RoleScheduler,
  type TimeoutStore,
} from '@workflow/core/adapter'
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { SqliteDatabase } from './driver.ts'
import { SqliteEventStreamer } from './event-streamer.ts'
import { Connection, openDatabase } from './connection.ts'
import { migrateConnection } from './migrate.ts'
import { SqliteRecordStore } from './record-store.ts'
import { SqliteRoleScheduler } from './role-scheduler.ts'
import { Session } from './session.ts'
import { sessionSettings, type SessionOptions } from './session-options.ts'

/** Options of `sqlite`. */
export interface SqliteOptions extends SessionOptions {
  /** How long this instance keeps its roles without renewing them: what a crash costs. At least `'300ms'`. @default '3s' */
  readonly lease?: Duration
  /** How this process is called in leases and histories. @default host name, process id and a random part */
  readonly instance?: string
}

/** All four ports on one SQLite file. */
export interface Sqlite extends AsyncDisposable {
  readonly recordStore: RecordStore<SqliteDatabase>
  readonly eventStreamer: EventStreamer
  readonly timeoutStore: TimeoutStore
  readonly roleScheduler: RoleScheduler
  /** Releases the roles, writes what waits, and closes the file. Idempotent. */
  readonly close: () => Promise<void>
}

/**
 * Workflow on one SQLite file: the embedded default. Any number of processes on one machine may use the file at once.
 *
 * Opens nothing by itself: the first use opens the file, creates it where it is missing, and migrates it. Throws
 * `Configuration` for options that cannot work.
 */
export function sqlite(options: SqliteOptions): Sqlite {
  const session = new Session(sessionSettings(options, ['lease', 'instance']))
  const leaseMs = checkedMs(options.lease ?? '3s', "sqlite's lease", 1)
  if (leaseMs < 300)
    throw new Configuration(`sqlite's lease must be 300ms or longer, so that it can be renewed in time; got ${String(options.lease)}`)
  const instance = options.instance ?? `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`
  if (typeof instance !== 'string' || instance === '' || instance.length > 1_024)
    throw new Configuration("sqlite's instance must be a name of up to 1,024 characters")
  const { settings } = session
  const memory = settings.database?.memory ?? settings.file === ':memory:'
  const recordStore = new SqliteRecordStore(session, memory ? false : { limitMs: leaseMs / 2 })
  const eventStreamer = new SqliteEventStreamer(session, recordStore)
  const roleScheduler = new SqliteRoleScheduler(session, instance, leaseMs)
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => {
    closed ??= (async () => {
      await roleScheduler.close()
      await eventStreamer.close()
      await recordStore.close()
      await session.close()
    })()
    return closed
  }
  return { recordStore, eventStreamer, timeoutStore: recordStore.timers, roleScheduler, close, [Symbol.asyncDispose]: close }
}

/**
 * Creates or upgrades the tables, for those who do not want it to happen at the first use. Safe when several processes do
 * it at once. Throws `StoredByNewer` for tables that a later version has made.
 */
export async function migrateSqlite(options: Pick<SessionOptions, 'file' | 'database' | 'tablePrefix' | 'busyTimeout'>): Promise<void> {
  const session = new Session(sessionSettings(options))
  const { file, database: given, prefix } = session.settings
  const database = await session.patiently(() => given ?? openDatabase(file))
  try {
    await session.patiently(() => migrateConnection(new Connection(database, prefix), file))
  } finally {
    if (given === undefined) database.close()
  }
}
