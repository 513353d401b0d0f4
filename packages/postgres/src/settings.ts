import { checkedMs, type Clock, Configuration, type Duration, systemClock } from '@workflow/core/adapter'
import type { PgPool } from './driver.ts'

/** Options that every factory of this package takes. */
export interface PostgresConnectionOptions {
  /** Where the database is: `postgres://user:password@host:5432/database`. Connections are then this package's own. */
  readonly connectionString?: string
  /** Instead of `connectionString`: a Pool of pg, which stays yours. It needs a `max` of 4 or more. */
  readonly pool?: PgPool
  /** The schema that the tables are in. A letter or `_`, then letters, digits and `_`, 40 at most. @default 'workflow' */
  readonly schema?: string
  /** `'auto'` creates and upgrades the tables at the first use; `'manual'` throws `Configuration` if they are not up to date. @default 'auto' */
  readonly migrate?: 'auto' | 'manual'
  /** How many connections there are at most, where they are our own. 4 or more. @default 12 */
  readonly connections?: number
  /**
   * `'transaction'`: between here and Postgres is a pooler that gives a connection away after each transaction, like
   * PgBouncer's transaction mode. Then nothing is kept in sessions: no prepared statements, and no LISTEN, so that other
   * processes' commits are found by polling.
   * @default 'none'
   */
  readonly pooler?: 'none' | 'transaction'
  /**
   * How often to look whether another process has written. Notifications come at once where there can be any, and this is
   * the safety net. Commits of this process are seen at once in any case.
   * @default '1s', or '50ms' behind a pooler
   */
  readonly crossProcessPolling?: Duration
  /**
   * After how long a statement is given up for lost, with its connection. In a transactional step also how long there may
   * be no statement: then the server rolls the transaction back, so that a process that went silent locks nobody out.
   * @default '10s'
   */
  readonly queryTimeout?: Duration
  /** How long a unit that meets a lock is tried again before it answers `busy`. Others go on meanwhile. @default '500ms' */
  readonly busyTimeout?: Duration
  /** @default systemClock */
  readonly clock?: Clock
}

/** `PostgresConnectionOptions`, checked and with defaults. */
export interface Settings {
  readonly connectionString: string | undefined
  readonly pool: PgPool | undefined
  readonly schema: string
  readonly migrate: 'auto' | 'manual'
  readonly connections: number
  readonly pooler: 'none' | 'transaction'
  readonly pollingMs: number
  readonly queryTimeoutMs: number
  readonly busyTimeoutMs: number
  readonly clock: Clock
}

const known: ReadonlySet<string> = new Set([
  'connectionString',
  'pool',
  'schema',
  'migrate',
  'connections',
  'pooler',
  'crossProcessPolling',
  'queryTimeout',
  'busyTimeout',
  'clock',
] satisfies (keyof PostgresConnectionOptions)[])

const connectionsDefault = 12
const connectionsMin = 4
const pollingDefault = { none: '1s', transaction: '50ms' } as const

/** Checks options; `others` are names that the caller has options under. Throws `Configuration`. */
export function settingsOf(options: PostgresConnectionOptions, others: readonly string[] = []): Settings {
  // From JavaScript anything may come.
  if (typeof options !== 'object' || options === null)
    throw new Configuration(`postgres takes an object of options, like postgres({ connectionString }); got ${JSON.stringify(options)}`)
  for (const name of Object.keys(options)) {
    if (!known.has(name) && !others.includes(name))
      throw new Configuration(`postgres has no option ${JSON.stringify(name)}; it knows ${[...known, ...others].join(', ')}`)
  }
  const pooler = oneOf('pooler', options.pooler ?? 'none', ['none', 'transaction'])
  return {
    ...databaseOf(options),
    schema: checkedSchema(options.schema),
    migrate: oneOf('migrate', options.migrate ?? 'auto', ['auto', 'manual']),
    pooler,
    pollingMs: checkedMs(options.crossProcessPolling ?? pollingDefault[pooler], 'the crossProcessPolling of postgres', 1),
    queryTimeoutMs: checkedMs(options.queryTimeout ?? '10s', 'the queryTimeout of postgres', 1),
    busyTimeoutMs: checkedMs(options.busyTimeout ?? '500ms', 'the busyTimeout of postgres', 1),
    clock: options.clock ?? systemClock,
  }
}

function databaseOf({
  connectionString,
  pool,
  connections,
}: PostgresConnectionOptions): Pick<Settings, 'connectionString' | 'pool' | 'connections'> {
  if ((connectionString === undefined) === (pool === undefined))
    throw new Configuration('postgres needs either a connectionString or a pool: postgres({ connectionString })')
  if (pool !== undefined) {
    // A Client of pg has both functions, too.
    if (typeof pool.connect !== 'function' || typeof pool.on !== 'function' || 'connectionParameters' in pool)
      throw new Configuration('the pool of postgres must be a Pool of pg: new pg.Pool(…)')
    if (connections !== undefined) throw new Configuration('connections is for our own pool; give your Pool a max instead')
    return { connectionString, pool, connections: count(pool.options?.max ?? 10, 'max of its pool') }
  }
  if (typeof connectionString !== 'string' || !/^postgres(?:ql)?:\/\//.test(connectionString))
    throw new Configuration('the connectionString of postgres must be a URL like postgres://user:password@host:5432/database')
  try {
    new URL(connectionString)
  } catch {
    // The URL itself stays out of the message: a password may be in it.
    throw new Configuration('the connectionString of postgres is no valid URL: escape special characters of user and password by %')
  }
  return { connectionString, pool, connections: count(connections ?? connectionsDefault, 'connections') }
}

function count(value: number, name: string): number {
  if (!Number.isInteger(value) || value < connectionsMin || value > 1_000)
    throw new Configuration(`the ${name} of postgres must be a whole number from ${connectionsMin} to 1000; got ${String(value)}`)
  return value
}

/** A name that is safe inside SQL; the default for undefined. Throws `Configuration`. */
export function checkedSchema(schema: string | undefined): string {
  const value = schema ?? 'workflow'
  if (typeof value !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(value) || value.toLowerCase().startsWith('pg_'))
    throw new Configuration(
      `the schema of postgres must be up to 40 letters, digits and '_', not starting with a digit or 'pg_'; got ${JSON.stringify(value)}`,
    )
  return value
}

function oneOf<T extends string>(name: string, value: T, values: readonly T[]): T {
  if (!values.includes(value))
    throw new Configuration(`the ${name} of postgres must be one of ${values.join(', ')}; got ${JSON.stringify(value)}`)
  return value
}
