import { Kysely, PostgresDialect } from 'kysely'
import type { PoolClient } from 'pg'

/**
 * Kysely on a connection that has an open transaction: what it runs is part of that transaction. Kysely wants a pool, and
 * gets one that has this connection and nothing else. It costs a few objects, and needs no `destroy`.
 */
export function kyselyOn<Tables>(connection: PoolClient): Kysely<Tables> {
  const lent = { query: connection.query.bind(connection), release: () => undefined }
  return new Kysely({ dialect: new PostgresDialect({ pool: { connect: async () => lent, end: async () => undefined, options: {} } }) })
}
