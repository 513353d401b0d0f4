/** A schema of its own for each test, on one of the servers that `global-setup.ts` has found. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { postgres, type Postgres, type PostgresOptions } from '../src/index.ts'
import type { TestServer } from './global-setup.ts'

export const servers: readonly TestServer[] = inject('postgresServers')
/** The newest one. Without any server the tests are skipped, and `global-setup.ts` has said so. */
export const newest: TestServer | undefined = servers[0]

export interface TestSchema extends AsyncDisposable {
  readonly url: string
  readonly schema: string
  /** An instance as another process would have it: with connections of its own. */
  readonly open: (options?: Partial<PostgresOptions>) => Postgres<pg.PoolClient>
  /** Runs SQL beside the adapter. Names in braces are tables of the schema. */
  readonly sql: (text: string, values?: unknown[]) => Promise<unknown[][]>
  readonly pool: pg.Pool
}

/** A schema that does not exist yet, and goes with everything in it. */
export function freshSchema({ url }: TestServer = newest ?? { name: 'none', url: '' }): TestSchema {
  const schema = `t${randomUUID().replaceAll('-', '')}`
  const pool = new pg.Pool({ connectionString: url, max: 4 })
  const opened: Postgres<pg.PoolClient>[] = []
  return {
    url,
    schema,
    pool,
    open: (options = {}) => {
      const where = options.pool === undefined && options.connectionString === undefined ? { connectionString: url } : {}
      const made = postgres<pg.PoolClient>({ ...where, schema, lease: '600ms', ...options })
      opened.push(made)
      return made
    },
    sql: async (text, values = []) => {
      const { rows } = await pool.query<unknown[]>({ text: inSchema(text, schema), values, rowMode: 'array' })
      return rows
    },
    [Symbol.asyncDispose]: async () => {
      for (const one of opened) await one.close()
      await pool.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`)
      await pool.end()
    },
  }
}

function inSchema(text: string, schema: string): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => `"${schema}"."${name}"`)
}
