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
import { Database } from './database.ts'
import type { PgClient } from './driver.ts'
import { PostgresEventStreamer } from './event-streamer.ts'
import { migrateDatabase } from './migrate.ts'
import { PostgresRecordStore } from './record-store.ts'
import { PostgresRoleScheduler } from './role-scheduler.ts'
import { Session } from './session.ts'
import { settingsOf, type PostgresConnectionOptions } from './settings.ts'

/** Options of what holds roles. */
export interface PostgresRoleOptions extends PostgresConnectionOptions {
  /** How long this instance keeps its roles without renewing them: what a crash costs. At least `'300ms'`. @default '3s' */
  readonly lease?: Duration
  /** How this process is called in leases and histories. @default host name, process id and a random part */
  readonly instance?: string
}

/** Options of `postgres`. */
export type PostgresOptions = PostgresRoleOptions

/** All four ports on one database. */
export interface Postgres<Tx = PgClient> extends AsyncDisposable {
  readonly recordStore: RecordStore<Tx>
  readonly eventStreamer: EventStreamer
  readonly timeoutStore: TimeoutStore
  readonly roleScheduler: RoleScheduler
  /** Releases the roles, writes what waits, and closes the connections that are ours. Idempotent. */
  readonly close: () => Promise<void>
}

/**
 * Workflow on one Postgres database, for any number of processes.
 *
 * Opens nothing by itself: the first use connects and migrates. `Tx` is the type of the connection that transactional
 * steps are handed: `PoolClient`, if you use the types of pg. Throws `Configuration` for options that cannot work.
 */
export function postgres<Tx = PgClient>(options: PostgresOptions): Postgres<Tx> {
  const session = new Session(settingsOf(options, ['lease', 'instance']))
  const recordStore = new PostgresRecordStore<Tx>(session)
  const eventStreamer = new PostgresEventStreamer(session, recordStore)
  sessions.set(recordStore, session)
  const roleScheduler = schedulerOf(session, options)
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

/** Which session a store belongs to, so that a streamer can share it. */
const sessions = new WeakMap<object, Session>()

/** Runs, their histories, inboxes and timers in Postgres; events go elsewhere, or to `postgresEventStreamer({ source })`. */
export function postgresRecordStore<Tx = PgClient>(options: PostgresConnectionOptions): RecordStore<Tx> {
  const session = new Session(settingsOf(options))
  const store = new PostgresRecordStore<Tx>(session)
  sessions.set(store, session)
  return store
}

/** Timers in Postgres, for runs that are elsewhere. A record store of this package has its own: `recordStore.timers`. */
export function postgresTimeoutStore(options: PostgresConnectionOptions): TimeoutStore & AsyncDisposable {
  const store = postgresRecordStore(options)
  return { ...store.timers, [Symbol.asyncDispose]: () => store.close() }
}

/** Options of `postgresEventStreamer`. */
export interface PostgresEventStreamerOptions extends Partial<PostgresConnectionOptions> {
  /** A record store of this package, whose commits are delivered as they are, without a relay. It needs no other option then. */
  readonly source?: RecordStore
}

/**
 * Events through Postgres. With a `source` they are its commits. Without one they come through a sender, from runs that
 * are kept elsewhere, and lie in a table of their own: in a schema that no record store uses.
 */
export function postgresEventStreamer({ source, ...options }: PostgresEventStreamerOptions): EventStreamer {
  if (source === undefined) return new PostgresEventStreamer(new Session(settingsOf(options)), undefined)
  const session = sessions.get(source)
  if (session === undefined || Object.keys(options).length > 0)
    throw new Configuration(
      'the source of postgresEventStreamer must be a record store of @workflow/postgres, and no other option goes with it',
    )
  return new PostgresEventStreamer(session, source)
}

/** Roles by leases in Postgres. */
export function postgresRoleScheduler(options: PostgresRoleOptions): RoleScheduler {
  return schedulerOf(new Session(settingsOf(options, ['lease', 'instance'])), options)
}

function schedulerOf(session: Session, options: PostgresRoleOptions): PostgresRoleScheduler {
  const leaseMs = checkedMs(options.lease ?? '3s', 'the lease of postgres', 1)
  if (leaseMs < 300)
    throw new Configuration(
      `the lease of postgres must be 300ms or longer, so that it can be renewed in time; got ${String(options.lease)}`,
    )
  const instance = options.instance ?? `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`
  if (typeof instance !== 'string' || instance === '' || instance.length > 1_024 || /\0/.test(instance) || !instance.isWellFormed())
    throw new Configuration('the instance of postgres must be a name of up to 1,024 characters')
  return new PostgresRoleScheduler(session, instance, leaseMs)
}

/**
 * Creates or upgrades the tables, for those who do not want it to happen at the first use, or whose processes may not
 * create tables. Safe when several processes do it at once. Throws `StoredByNewer` for tables that a later version has made.
 */
export async function migratePostgres(
  options: Pick<PostgresConnectionOptions, 'connectionString' | 'pool' | 'schema' | 'queryTimeout'>,
): Promise<void> {
  const settings = settingsOf(options)
  const database = new Database(settings)
  try {
    await migrateDatabase(database, settings.schema)
  } finally {
    await database.close()
  }
}
