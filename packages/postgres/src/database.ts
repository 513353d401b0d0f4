import { Stopped } from '@workflow/core/adapter'
import { newPool, type PgClient, type PgPool, type PgPoolClient, type PgQuery } from './driver.ts'
import { isConnectionLoss, storeError } from './driver-error.ts'
import { withSchema } from './schema.ts'
import type { Settings } from './settings.ts'

/** Runs statements. Names in braces are tables and functions of ours. `Row` is what the caller knows of the columns. */
export interface Queryable {
  /** With a `name` the statement is prepared once per connection. */
  readonly query: <Row>(text: string, params?: readonly unknown[], name?: string) => Promise<Row[]>
}

const int8Oid = 20

/** Between the statements of a transaction of ours nothing is waited for. Whoever is silent for so long is gone, and others need the locks. */
const begin = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '2s'"
/** A transaction that may take its time: one that changes large tables, or waits for somebody who does. */
const beginPatient = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '1min'; SET LOCAL statement_timeout TO DEFAULT"
const patientMs = 3_600_000
/** A connection without traffic is asked after so long whether somebody is there; the system's own default is two hours. */
const keepAliveMs = 10_000

/** Everything as pg has it, but for big integers, which are numbers here: none of ours exceeds 2^53. Formats other than text are not asked for. */
const rowTypes = {
  getTypeParser: (oid: number): ((text: string) => unknown) => parsers.get(oid) ?? ((text) => text),
}
const parsers: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  [int8Oid, Number],
  [21, Number],
  [23, Number],
  [701, Number],
  [16, (text) => text === 't'],
  [17, (text) => Buffer.from(text.slice(2), 'hex')],
  [1016, (text) => (text === '{}' ? [] : text.slice(1, -1).split(',').map(Number))],
])

type Statement = PgQuery & { readonly types: typeof rowTypes; readonly query_timeout: number }

/** The connections of a session: a pool that is ours, or one that was handed in. */
export class Database implements Queryable {
  readonly #settings: Settings
  readonly #listeners = new Set<() => void>()
  readonly #texts = new Map<string, string>()
  /** Those who wait for a connection. */
  readonly #connecting = new Set<() => void>()
  readonly #heard = new WeakSet<PgPoolClient>()
  /** Connections of our own pool that have not ended. */
  readonly #own = new Set<PgPoolClient>()
  #pool: PgPool | undefined
  #closed = false

  constructor(settings: Settings) {
    this.#settings = settings
  }

  get closed(): boolean {
    return this.#closed
  }

  /** One statement on any connection, in a transaction of its own. Throws errors of Workflow. */
  readonly query = async <Row>(text: string, params: readonly unknown[] = [], name?: string): Promise<Row[]> =>
    this.lend(async ({ query }) => query<Row>(text, params, name))

  /** Lends a connection to `work`. Errors of the server come out as errors of Workflow. */
  async lend<T>(work: (connection: Queryable) => Promise<T>, timeoutMs?: number): Promise<T> {
    try {
      return await this.lendRaw((client) => work(this.on(client, timeoutMs)))
    } catch (error) {
      throw storeError(error, this.#settings.schema)
    }
  }

  /** Lends a connection of pg; errors come out as pg throws them. A connection that failed is not used again. */
  async lendRaw<T>(work: (client: PgPoolClient) => Promise<T>): Promise<T> {
    const client = await this.connect()
    try {
      const result = await work(client)
      client.release()
      return result
    } catch (error) {
      const lost = isConnectionLoss(error)
      client.release(lost)
      if (lost) this.#lost()
      throw error
    }
  }

  /** A transaction of ours. A patient one has an hour for each statement. */
  async transaction<T>(work: (connection: Queryable) => Promise<T>, patient = false): Promise<T> {
    return this.lend(
      async (connection) => {
        await connection.query(patient ? beginPatient : begin)
        try {
          const result = await work(connection)
          await connection.query('COMMIT')
          return result
        } catch (error) {
          await connection.query('ROLLBACK').catch(() => undefined)
          throw error
        }
      },
      patient ? patientMs : undefined,
    )
  }

  /** A connection that the caller gives back. */
  async connect(): Promise<PgPoolClient> {
    if (this.#closed) throw this.#over()
    try {
      return await this.#connect()
    } catch (error) {
      if (isConnectionLoss(error)) this.#lost()
      throw error
    }
  }

  /** A pool that ends forgets those who still wait for a connection: they are told here. */
  #connect(): Promise<PgPoolClient> {
    return new Promise<PgPoolClient>((resolve, reject) => {
      const giveUp = (): void => reject(this.#over())
      this.#connecting.add(giveUp)
      this.#open()
        .connect()
        .then((client) => {
          this.#hear(client)
          if (this.#connecting.delete(giveUp)) resolve(client)
          else client.release(true)
        })
        .catch((error: unknown) => {
          this.#connecting.delete(giveUp)
          reject(error)
        })
    })
  }

  /** Statements on one connection, each given up after `timeoutMs`. Errors come out as pg throws them. */
  on(client: PgClient, timeoutMs: number = this.#settings.queryTimeoutMs): Queryable {
    return {
      query: async <Row>(text: string, params: readonly unknown[] = [], name?: string): Promise<Row[]> => {
        const { rows } = await client.query(this.#statement(text, params, name, timeoutMs))
        return rows as Row[]
      },
    }
  }

  /** Calls back when a connection was lost. */
  onLost(listener: () => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const giveUp of this.#connecting) giveUp()
    this.#connecting.clear()
    const pool = this.#pool
    pool?.off('error', this.#onPoolError)
    if (pool === undefined) return
    if (this.#settings.pool !== undefined) {
      pool.off('connect', this.#hear)
      return
    }
    pool.on('error', () => undefined)
    await pool.end()
    // A server that has gone silent does not close its end: nothing is waited for there, so it keeps no process alive.
    for (const client of this.#own) client.unref?.()
  }

  readonly #onPoolError = (): void => this.#lost()

  /**
   * While a connection is lent its pool does not listen to it, and an error that nobody hears ends the process: also one
   * between two statements, or right behind the server's welcome. The next statement throws.
   */
  readonly #hear = (client: PgPoolClient): void => {
    if (this.#heard.has(client)) return
    this.#heard.add(client)
    client.on('error', () => undefined)
    if (this.#settings.pool !== undefined) return
    this.#own.add(client)
    client.on('end', () => this.#own.delete(client))
  }

  #open(): PgPool {
    if (this.#pool === undefined) {
      const { pool, connectionString, connections, pooler, queryTimeoutMs } = this.#settings
      this.#pool =
        pool ??
        newPool({
          // One of both is there: `settingsOf` has seen to it.
          connectionString: connectionString ?? '',
          max: connections,
          connectionTimeoutMillis: queryTimeoutMs,
          keepAlive: true,
          keepAliveInitialDelayMillis: keepAliveMs,
          application_name: 'workflow',
        })
      // Without a listener the loss of an idle connection would end the process.
      this.#pool.on('error', this.#onPoolError)
      this.#pool.on('connect', this.#hear)
      if (pool === undefined && pooler === 'none') this.#pool.on('connect', (client) => limitStatements(client, queryTimeoutMs))
    }
    return this.#pool
  }

  #statement(text: string, params: readonly unknown[], name: string | undefined, timeoutMs: number): Statement {
    let known = this.#texts.get(text)
    if (known === undefined) this.#texts.set(text, (known = withSchema(text, this.#settings.schema)))
    const { pooler, schema } = this.#settings
    return {
      text: known,
      values: [...params],
      rowMode: 'array',
      types: rowTypes,
      query_timeout: timeoutMs,
      ...(name === undefined || pooler === 'transaction' ? {} : { name: `workflow_${schema}_${name}` }),
    }
  }

  #over(): Stopped {
    return new Stopped('the connections to Postgres have been closed')
  }

  #lost(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

/**
 * What nobody waits for any more the server need not finish: else each connection that was given up leaves a session at
 * work behind. By a statement, because poolers refuse it as a parameter of the connection; a limit that is there stays.
 */
function limitStatements(client: PgPoolClient, queryTimeoutMs: number): void {
  const limit = `SELECT set_config('statement_timeout', '${Math.ceil(queryTimeoutMs * 1.5)}', false) WHERE current_setting('statement_timeout') = '0'`
  // If that fails, so does the next statement, and whoever sent it hears of it.
  client.query(limit).catch(() => undefined)
}
