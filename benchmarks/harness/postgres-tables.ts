/** How the tables of a schema have aged. */
import type { PostgresPlace } from './postgres-schema.ts'

export interface TableReading {
  readonly table: string
  readonly tableMegabytes: number
  readonly indexMegabytes: number
  /** Rows that are there, as the server estimates, and rows that are dead. */
  readonly live: number
  readonly dead: number
  /** Updates, and those of them that changed no index. */
  readonly updates: number
  readonly hotUpdates: number
  readonly vacuums: number
}

/** Those that work writes to, and that can age. */
export const agingTables = ['record', 'event', 'cursor', 'timer'] as const

/** Reads what the server counts. Sessions report their counts within a second of their last statement. */
export async function readTables(place: PostgresPlace): Promise<readonly TableReading[]> {
  const rows = await place.sql(
    `SELECT relname, pg_table_size(relid) AS size, pg_indexes_size(relid) AS indexes, n_live_tup, n_dead_tup, n_tup_upd, n_tup_hot_upd,
       autovacuum_count FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = ANY ($2) ORDER BY relname`,
    [place.schema, agingTables],
  )
  return rows.map((row) => ({
    table: String(row['relname']),
    tableMegabytes: Number(row['size']) / 1e6,
    indexMegabytes: Number(row['indexes']) / 1e6,
    live: Number(row['n_live_tup']),
    dead: Number(row['n_dead_tup']),
    updates: Number(row['n_tup_upd']),
    hotUpdates: Number(row['n_tup_hot_upd']),
    vacuums: Number(row['autovacuum_count']),
  }))
}

/** What a table and its indexes would take if they had just been written, in megabytes. */
export async function freshSize(place: PostgresPlace, table: string): Promise<{ readonly table: number; readonly indexes: number }> {
  // Defaults would draw numbers; copies bring their own.
  await place.sql(`CREATE UNLOGGED TABLE {fresh} (LIKE {${table}} INCLUDING ALL EXCLUDING DEFAULTS EXCLUDING IDENTITY)`)
  try {
    await place.sql(`ALTER TABLE {fresh} SET (${await storageOf(place, table)})`)
    await place.sql(`INSERT INTO {fresh} SELECT * FROM {${table}}`)
    const [row] = await place.sql('SELECT pg_table_size($1::regclass) AS size, pg_indexes_size($1::regclass) AS indexes', [
      `"${place.schema}".fresh`,
    ])
    return { table: Number(row?.['size']) / 1e6, indexes: Number(row?.['indexes']) / 1e6 }
  } finally {
    await place.sql('DROP TABLE {fresh}')
  }
}

/** LIKE takes most of a table along, but not how full its pages are to be. */
async function storageOf(place: PostgresPlace, table: string): Promise<string> {
  const [row] = await place.sql("SELECT array_to_string(reloptions, ', ') AS options FROM pg_class WHERE oid = $1::regclass", [
    `"${place.schema}"."${table}"`,
  ])
  const options = row?.['options']
  return typeof options === 'string' ? options : 'fillfactor = 100'
}
