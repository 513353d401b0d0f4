import { assertUnit, StoreUnavailable, type CommitResult, type Unit } from '@workflow/core/adapter'
import { applyUnit } from './apply-unit.ts'
import type { Batch } from './batch.ts'
import { Connection } from './connection.ts'
import type { SqliteDatabase } from './driver.ts'
import { storeError } from './driver-error.ts'
import type { Session } from './session.ts'

/**
 * Transactions that the store opens for its caller, one at a time, on a handle of their own: readers of this process do
 * not see what is not committed. SQLite has one writer, so the other writes of this process wait meanwhile.
 */
export class Transactions {
  readonly #session: Session
  readonly #limitMs: number
  #connection: Connection | undefined

  /** `limitMs`: while one is open nobody can write, nor renew a lease. */
  constructor(session: Session, limitMs: number) {
    this.#session = session
    this.#limitMs = limitMs
  }

  run<T>(
    work: (tx: SqliteDatabase, commit: (unit: Unit) => Promise<CommitResult>) => Promise<T>,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<T> {
    signal.throwIfAborted()
    return this.#session.hold(async () => {
      signal.throwIfAborted()
      const connection = (this.#connection ??= new Connection(this.#session.openAnother(), this.#session.settings.prefix))
      await this.#session.patiently(() => connection.run('BEGIN IMMEDIATE'))
      const batch = this.#session.newBatch(connection)
      try {
        const result = await this.#guarded(
          work(connection.database, async (unit) => applyInside(batch, unit)),
          signal,
        )
        this.#commit(connection)
        this.#session.committed(batch)
        return result
      } catch (error) {
        this.#rollBack(connection, batch)
        throw error
      }
    })
  }

  async close(): Promise<void> {
    await this.#session.hold(async () => this.#forget()).catch(() => this.#forget())
  }

  /** The work's own result, unless the signal comes first. */
  async #guarded<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>()
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    const { clock, file } = this.#session.settings
    const limit = clock.setTimer(this.#limitMs, () =>
      reject(
        new StoreUnavailable(
          `a transaction on ${file} was open for longer than ${this.#limitMs} ms and has been rolled back: while it is open nobody can write, nor keep a role; do less in it, or raise lease`,
          { details: { file } },
        ),
      ),
    )
    try {
      return await Promise.race([work, promise])
    } finally {
      limit[Symbol.dispose]()
      signal.removeEventListener('abort', onAbort)
      work.catch(() => undefined)
    }
  }

  #commit(connection: Connection): void {
    try {
      connection.run('COMMIT')
    } catch (error) {
      throw storeError(error, this.#session.settings.file)
    }
  }

  /** Closes the handle, too: work that was aborted may still have it, and must not write outside of the transaction. */
  #rollBack({ database }: Connection, batch: Batch): void {
    if (database.inTransaction) batch.connection.run('ROLLBACK')
    batch.truncate(0)
    this.#forget()
  }

  #forget(): void {
    this.#connection?.database.close()
    this.#connection = undefined
  }
}

/** A unit as part of a transaction that is not ours to end: whatever it throws, it leaves nothing behind. */
export function applyInside(batch: Batch, unit: Unit): CommitResult {
  assertUnit(unit)
  const { connection } = batch
  const events = batch.events.length
  connection.run('SAVEPOINT inside')
  try {
    const result = applyUnit(batch, unit, false)
    connection.run('RELEASE inside')
    return result
  } catch (error) {
    if (connection.database.inTransaction) {
      connection.run('ROLLBACK TO inside')
      connection.run('RELEASE inside')
    }
    batch.truncate(events)
    throw storeError(error, connection.database.name)
  }
}
