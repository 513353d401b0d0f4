import { Configuration, StoreCorrupt, StoredByNewer } from '@workflow/core/adapter'
import type { Database, Queryable } from './database.ts'
import { metaSql, migrations, schemaVersion, withSchema } from './schema.ts'
import { checkedSchema } from './settings.ts'

/** A lock of this number, in this database, is held by whoever migrates. */
const lockKey = 7_240_911_835

/**
 * Brings the tables to this code's schema version, in one transaction that only one process can be in: whoever comes
 * second finds the work done. Needs no privilege but reading where there is nothing to do. Throws `StoredByNewer` for
 * tables of a later version.
 */
export async function migrateDatabase(database: Database, schema: string): Promise<void> {
  if ((await storedVersion(database, schema)) === schemaVersion) return
  await database.transaction(async (connection) => {
    await connection.query(`SELECT pg_advisory_xact_lock(${lockKey})`)
    const [exists] = await connection.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema])
    if (exists === undefined) await connection.query(`CREATE SCHEMA "${schema}"`)
    await connection.query(metaSql)
    const from = await storedVersion(connection, schema)
    for (const sql of migrations.slice(from)) await connection.query(sql)
    await connection.query(domainSql)
    await connection.query(versionSql)
  }, true)
}

const domainSql =
  "INSERT INTO {meta} (key, value) VALUES ('domain', gen_random_uuid()::text), ('roles', '0'), ('settled', '0') ON CONFLICT (key) DO NOTHING"
const versionSql = `INSERT INTO {meta} (key, value) VALUES ('schema', '${schemaVersion}') ON CONFLICT (key) DO UPDATE SET value = excluded.value`

/** Throws `Configuration` unless the tables are exactly of this code's version, `StoredByNewer` if they are of a later one. */
export async function assertMigrated(database: Database, schema: string): Promise<void> {
  const stored = await storedVersion(database, schema)
  if (stored === schemaVersion) return
  throw new Configuration(
    `the tables in schema "${schema}" have version ${stored}, this code needs ${schemaVersion}: call migratePostgres, run the SQL of postgresSchema(), or leave out migrate: 'manual'`,
    { details: { schema, stored, needed: schemaVersion } },
  )
}

/** The schema version in the database; 0 for none. */
async function storedVersion(connection: Queryable, schema: string): Promise<number> {
  const [table] = await connection.query<[string | null]>('SELECT to_regclass($1)::text', [`"${schema}"."meta"`])
  if (typeof table?.[0] !== 'string') return 0
  const [row] = await connection.query<[string]>("SELECT value FROM {meta} WHERE key = 'schema'")
  const version = Number(row?.[0] ?? 0)
  if (!Number.isInteger(version) || version < 0)
    throw new StoreCorrupt(`schema "${schema}" says that its version is ${JSON.stringify(row?.[0])}: restore it from a backup`, {
      details: { schema, stored: row?.[0] },
    })
  if (version > schemaVersion)
    throw new StoredByNewer(
      `schema "${schema}" has version ${version}, this code knows ${schemaVersion}: upgrade @workflow/postgres, or use another schema`,
      { details: { schema, stored: version, known: schemaVersion } },
    )
  return version
}

/** What `postgresSchema` and `postgresGrants` take. */
export interface SchemaOptions {
  /** As in the options of `postgres`. @default 'workflow' */
  readonly schema?: string
}

/** The SQL that creates the schema and its tables, for teams that run their own migrations. Run it in one transaction. */
export function postgresSchema(options: SchemaOptions & { readonly fromVersion?: number } = {}): string {
  const schema = checkedSchema(options.schema)
  const parts = [`CREATE SCHEMA IF NOT EXISTS "${schema}";`, `${metaSql};`, ...migrations.slice(options.fromVersion ?? 0)]
  return withSchema([...parts, `${domainSql};`, `${versionSql};`].join('\n'), schema)
}

/** The SQL that gives `role` what running workflows needs, and no more: no right to create, change or drop a table. */
export function postgresGrants(options: SchemaOptions & { readonly role: string }): string {
  const schema = checkedSchema(options.schema)
  if (typeof options.role !== 'string' || options.role === '' || /[\0"]/.test(options.role))
    throw new Configuration(`the role must be the name of a user of Postgres, without quotes; got ${JSON.stringify(options.role)}`)
  const role = `"${options.role}"`
  return [
    `GRANT USAGE ON SCHEMA "${schema}" TO ${role};`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "${schema}" TO ${role};`,
    `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA "${schema}" TO ${role};`,
    `GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA "${schema}" TO ${role};`,
  ].join('\n')
}
