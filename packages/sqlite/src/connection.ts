import { createRequire } from 'node:module'
import { Configuration } from '@workflow/core/adapter'
import type { SqliteDatabase, SqliteDriver, SqliteStatement } from './driver.ts'
import { withPrefix } from './schema.ts'

type Mode = 'rows' | 'pluck' | 'raw'

/** The Node-API that better-sqlite3 13 is built for. Node has it from 22.14. */
const napiMin = 10

/** A handle with its prepared statements: each text is compiled once. Table names in braces get the prefix. */
export class Connection {
  readonly database: SqliteDatabase
  readonly prefix: string
  readonly #statements = {
    rows: new Map<string, SqliteStatement>(),
    pluck: new Map<string, SqliteStatement>(),
    raw: new Map<string, SqliteStatement>(),
  }

  constructor(database: SqliteDatabase, prefix: string) {
    this.database = database
    this.prefix = prefix
  }

  /** Runs a statement that returns nothing, and answers how many rows it changed. */
  run(sql: string, ...params: unknown[]): number {
    return this.#statement(sql, 'rows').run(...params).changes
  }

  /** The first row. The caller knows the columns that it asks for, and says so by `Row`. */
  get<Row>(sql: string, ...params: unknown[]): Row | undefined {
    return this.#statement(sql, 'rows').get(...params) as Row | undefined
  }

  /** The first column of the first row. */
  value<Value>(sql: string, ...params: unknown[]): Value | undefined {
    return this.#statement(sql, 'pluck').get(...params) as Value | undefined
  }

  /** All rows. */
  all<Row>(sql: string, ...params: unknown[]): Row[] {
    return this.#statement(sql, 'rows').all(...params) as Row[]
  }

  /** All rows as arrays, which is cheaper. */
  raw<Row>(sql: string, ...params: unknown[]): Row[] {
    return this.#statement(sql, 'raw').all(...params) as Row[]
  }

  /** The first row as an array. */
  first<Row>(sql: string, ...params: unknown[]): Row | undefined {
    return this.#statement(sql, 'raw').get(...params) as Row | undefined
  }

  /** The first column of all rows. */
  values<Value>(sql: string, ...params: unknown[]): Value[] {
    return this.#statement(sql, 'pluck').all(...params) as Value[]
  }

  /** Runs statements that take nothing and return nothing. */
  exec(sql: string): void {
    this.database.exec(withPrefix(sql, this.prefix))
  }

  #statement(sql: string, mode: Mode): SqliteStatement {
    const statements = this.#statements[mode]
    let statement = statements.get(sql)
    if (statement === undefined) {
      statement = this.database.prepare(withPrefix(sql, this.prefix))
      if (mode === 'pluck') statement.pluck()
      if (mode === 'raw') statement.raw()
      statements.set(sql, statement)
    }
    return statement
  }
}

/** Opens a file with the installed driver. It never waits inside SQLite: waiting is done by the event loop. */
export function openDatabase(file: string): SqliteDatabase {
  return new (loadDriver())(file, { timeout: 0 })
}

/** Settings of a handle. WAL lets readers go on while somebody writes. */
export function configureDatabase(database: SqliteDatabase, synchronous: string, cacheMebibytes: number): void {
  database.pragma('busy_timeout = 0')
  if (!database.memory && database.pragma('journal_mode', { simple: true }) !== 'wal') {
    database.pragma('journal_mode = WAL')
  }
  database.pragma(`synchronous = ${synchronous}`)
  database.pragma(`cache_size = ${-cacheMebibytes * 1024}`)
  database.pragma('foreign_keys = OFF')
  // Some 8 MiB of log between checkpoints: long enough that hot pages are written back rarely, short enough that one takes milliseconds.
  database.pragma('wal_autocheckpoint = 2000')
  database.pragma('journal_size_limit = 67108864')
}

/**
 * Throws `Configuration` where the driver's native module would end the process without a word: on a Node that lacks the
 * version of Node-API that it was built for.
 */
export function assertDriverRuns({ node, napi }: { readonly node: string; readonly napi?: string | undefined }): void {
  if (Number(napi ?? 0) >= napiMin) return
  throw new Configuration(`better-sqlite3 would crash this process: it needs Node 22.14 or newer, and this is Node ${node}. Update Node`)
}

function loadDriver(): SqliteDriver {
  assertDriverRuns(process.versions)
  try {
    // The driver is the user's to install (a peer dependency), has no types of its own, and is needed only once a file is opened.
    return createRequire(import.meta.url)('better-sqlite3') as SqliteDriver
  } catch (cause) {
    throw new Configuration('@workflow/sqlite could not load its driver better-sqlite3: install it with npm install better-sqlite3@13', {
      cause,
    })
  }
}
