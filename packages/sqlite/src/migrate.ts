import { Configuration, StoreCorrupt, StoredByNewer } from '@workflow/core/adapter'
import { randomUUID } from 'node:crypto'
import type { Connection } from './connection.ts'
import { metaSql, migrations, schemaVersion, withPrefix } from './schema.ts'
import { checkedPrefix } from './session-options.ts'

/**
 * Brings the tables to this code's schema version, in one transaction that only one process can be in: whoever comes
 * second finds the work done. Throws `StoredByNewer` for tables of a later version, and whatever the driver throws.
 */
export function migrateConnection(connection: Connection, file: string): void {
  if (storedVersion(connection, file) === schemaVersion) {
    return
  }
  connection.exec('BEGIN IMMEDIATE')
  try {
    const from = storedVersion(connection, file)
    connection.exec(metaSql)
    for (const sql of migrations.slice(from)) {
      connection.exec(sql)
    }
    connection.run('INSERT INTO {meta} (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING', 'domain', randomUUID())
    connection.run(
      'INSERT INTO {meta} (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      'schema',
      schemaVersion,
    )
    connection.exec('COMMIT')
  } catch (error) {
    if (connection.database.inTransaction) {
      connection.exec('ROLLBACK')
    }
    throw error
  }
}

/** Throws `Configuration` unless the tables are exactly of this code's version, `StoredByNewer` if they are of a later one. */
export function assertMigrated(connection: Connection, file: string): void {
  const stored = storedVersion(connection, file)
  if (stored !== schemaVersion) {
    throw new Configuration(
      `the tables in ${file} have schema version ${stored}, this code needs ${schemaVersion}: call migrateSqlite, run the SQL of sqliteSchema(), or leave out migrate: 'manual'`,
      {
        details: { file, stored, needed: schemaVersion },
      },
    )
  }
}

/** The schema version in the file; 0 for none. */
function storedVersion(connection: Connection, file: string): number {
  const exists = connection.database
    .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?")
    .get(`${connection.prefix}meta`)
  if (exists === undefined) {
    return 0
  }
  const stored = connection.database.prepare(withPrefix("SELECT value FROM {meta} WHERE key = 'schema'", connection.prefix)).pluck().get()
  const version = Number(stored ?? 0)
  if (!Number.isInteger(version) || version < 0) {
    throw new StoreCorrupt(`${file} says that its schema version is ${JSON.stringify(stored)}: restore it from a backup`, {
      details: { file, stored },
    })
  }
  if (version > schemaVersion) {
    throw new StoredByNewer(
      `${file} has schema version ${version}, this code knows ${schemaVersion}: upgrade @workflow/sqlite, or use another file or tablePrefix`,
      {
        details: { file, stored: version, known: schemaVersion },
      },
    )
  }
  return version
}

/** The SQL that creates the tables, for teams that run their own migrations. Run it in one transaction. */
export function sqliteSchema(options: { readonly tablePrefix?: string; readonly fromVersion?: number } = {}): string {
  const prefix = checkedPrefix(options.tablePrefix)
  return withPrefix(
    [
      `${metaSql};`,
      ...migrations.slice(options.fromVersion ?? 0),
      "INSERT INTO {meta} (key, value) VALUES ('domain', lower(hex(randomblob(16)))) ON CONFLICT (key) DO NOTHING;",
      `INSERT INTO {meta} (key, value) VALUES ('schema', ${schemaVersion}) ON CONFLICT (key) DO UPDATE SET value = excluded.value;`,
    ].join('\n'),
    prefix,
  )
}
