export type { SqliteDatabase, SqliteStatement } from './driver.ts'
export { sqliteSchema } from './migrate.ts'
export type { SessionOptions } from './session-options.ts'
export { migrateSqlite, sqlite, type Sqlite, type SqliteOptions } from './sqlite.ts'
