/** What this package needs of better-sqlite3, structurally, so that users need no type package of the driver. */

/** A prepared statement of better-sqlite3. */
export interface SqliteStatement {
  run(...params: unknown[]): { readonly changes: number; readonly lastInsertRowid: number | bigint }
  get(...params: unknown[]): unknown
  all(...params: unknown[]): unknown[]
  pluck(toggle?: boolean): this
  raw(toggle?: boolean): this
}

/** A database handle of better-sqlite3. */
export interface SqliteDatabase {
  readonly name: string
  readonly open: boolean
  readonly memory: boolean
  readonly inTransaction: boolean
  prepare(sql: string): SqliteStatement
  exec(sql: string): unknown
  pragma(source: string, options?: { readonly simple?: boolean }): unknown
  close(): unknown
}

/** The class that better-sqlite3 exports. */
export type SqliteDriver = new (file: string, options: { readonly timeout: number; readonly readonly?: boolean }) => SqliteDatabase
