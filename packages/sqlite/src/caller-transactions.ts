import { InvalidArgument, type CommitResult, type Unit } from '@workflow/core/adapter'
import { resolve } from 'node:path'
import { Connection } from './connection.ts'
import type { SqliteDatabase } from './driver.ts'
import type { Session } from './session.ts'
import { applyInside } from './transactions.ts'

/** How often to look whether a caller's transaction has ended, in milliseconds. */
const lookMs = 5

/** Units that join a transaction of the caller's own, on whatever handle it runs. */
export class CallerTransactions {
  readonly #session: Session
  readonly #connections = new WeakMap<SqliteDatabase, Connection>()
  readonly #watched = new WeakSet<SqliteDatabase>()

  constructor(session: Session) {
    this.#session = session
  }

  /** Writes at once: the transaction may end as soon as the caller goes on. */
  commit(tx: unknown, unit: Unit): CommitResult {
    const { file, prefix } = this.#session.settings
    const database = tx as SqliteDatabase | null
    if (
      typeof database !== 'object' ||
      database === null ||
      typeof database.prepare !== 'function' ||
      database.inTransaction !== true ||
      resolve(database.name) !== resolve(file)
    ) {
      throw new InvalidArgument(`'tx' must be a handle of better-sqlite3 on ${file} with an open transaction`)
    }
    let connection = this.#connections.get(database)
    if (connection === undefined) this.#connections.set(database, (connection = new Connection(database, prefix)))
    const batch = this.#session.newBatch(connection)
    try {
      return applyInside(batch, unit)
    } finally {
      // It may still roll back: nothing that it has given out is kept.
      batch.truncate(0)
      this.#watch(database)
    }
  }

  /** The events are told once the transaction has ended, one way or the other. */
  #watch(database: SqliteDatabase): void {
    if (this.#watched.has(database)) return
    this.#watched.add(database)
    this.#session.settings.clock.setTimer(lookMs, () => {
      this.#watched.delete(database)
      if (database.open && database.inTransaction) this.#watch(database)
      else this.#session.lookAgain()
    })
  }
}
