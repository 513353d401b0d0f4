/** What this package needs of pg, structurally, so that users need no type package of the driver. */
import { createRequire } from 'node:module'
import { Configuration } from '@workflow/core/adapter'

/** A statement as pg takes it. */
export interface PgQuery {
  readonly name?: string
  readonly text: string
  readonly values?: unknown[]
  readonly rowMode: 'array'
}

/** Rows as arrays, which is cheaper. */
export interface PgResult {
  readonly rows: unknown[][]
  readonly rowCount: number | null
}

/** A connection of pg: what transactional steps are handed. */
export interface PgClient {
  query(statement: PgQuery): Promise<PgResult>
  query(text: string, values?: unknown[]): Promise<{ readonly rows: unknown[]; readonly rowCount: number | null }>
}

/** A connection that a pool has lent. */
export interface PgPoolClient extends PgClient {
  release(destroy?: Error | boolean): void
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'notification', listener: (message: PgNotification) => void): unknown
  on(event: 'end', listener: () => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
  removeAllListeners(event: string): unknown
  /** Lets the process end while the connection is there. */
  unref?(): void
}

/** What `NOTIFY` brings. */
export interface PgNotification {
  readonly channel: string
  readonly payload?: string | undefined
}

/** A pool of pg. */
export interface PgPool {
  connect(): Promise<PgPoolClient>
  end(): Promise<void>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'connect', listener: (client: PgPoolClient) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'connect', listener: (client: PgPoolClient) => void): unknown
  readonly options?: { readonly max?: number | undefined }
}

/** What this package asks of a pool of its own. */
interface OwnPoolOptions {
  readonly connectionString: string
  readonly max: number
  readonly connectionTimeoutMillis: number
  readonly keepAlive: boolean
  readonly keepAliveInitialDelayMillis: number
  readonly application_name: string
}

interface PgModule {
  readonly Pool: new (options: OwnPoolOptions) => PgPool
}

/** A pool of our own. Connects to nothing yet. */
export function newPool(options: OwnPoolOptions): PgPool {
  return new (loadDriver().Pool)(options)
}

function loadDriver(): PgModule {
  try {
    // The driver is the user's to install (a peer dependency), and is not needed where a pool is handed in.
    return createRequire(import.meta.url)('pg') as PgModule
  } catch (cause) {
    throw new Configuration('@workflow/postgres could not load its driver pg: install it with npm install pg@8', { cause })
  }
}
