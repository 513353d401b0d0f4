import { assertUnit, InvalidArgument, isWorkflowError, StoreUnavailable, type CommitResult, type Unit } from '@workflow/core/adapter'
import { CommitStatement, statement } from './commit-statement.ts'
import { eventsOf } from './committer.ts'
import type { Queryable } from './database.ts'
import type { PgClient } from './driver.ts'
import { isConnectionLoss, isContention, sqlState, storeError } from './driver-error.ts'
import { lentClient } from './lent-client.ts'
import { resolveRefusal } from './refusals.ts'
import type { Session } from './session.ts'

/** How long a unit inside of a transaction waits for a lock before it answers `busy`. */
const waitInside = '2s'
/** So deep is looked for what an error was caused by. */
const causesMax = 8

/**
 * Transactions that the store opens for its caller, on a limited number of its connections: so that there are always some
 * left for the reads and commits that the work inside may wait for.
 */
export class Transactions {
  readonly #session: Session
  readonly #waiting: (() => void)[] = []
  readonly #running = new Set<Promise<unknown>>()
  #free: number

  constructor(session: Session) {
    this.#session = session
    this.#free = Math.max(1, Math.floor(session.settings.connections / 3))
  }

  async run<T>(
    work: (tx: PgClient, commit: (unit: Unit) => Promise<CommitResult>) => Promise<T>,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<T> {
    await this.#enter(signal)
    const running = this.#run(work, signal).finally(() => this.#leave())
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  /** Waits for those that are open. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#running)
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#free > 0) {
      this.#free--
      return
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1)
        reject(signal.reason)
      }
      const enter = (): void => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(enter)
    })
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }

  async #run<T>(work: (tx: PgClient, commit: (unit: Unit) => Promise<CommitResult>) => Promise<T>, signal: AbortSignal): Promise<T> {
    const { database, settings } = this.#session
    const client = await database.connect().catch((error: unknown) => {
      throw storeError(error, settings.schema)
    })
    const connection = database.on(client)
    let lost: Error | undefined
    const onError = (error: Error): void => {
      lost = error
    }
    client.on('error', onError)
    let usable = false
    try {
      // A process that goes silent in here must not hold its locks until TCP notices. How long a statement takes is the work's own affair.
      const silence = `SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(settings.queryTimeoutMs)}`
      await connection.query(`BEGIN; ${silence}; SET LOCAL statement_timeout TO DEFAULT`)
      const result = await guarded(
        work(lentClient(client), (unit) => commitInside(this.#session, connection, unit)),
        signal,
      )
      await this.#commit(connection)
      usable = true
      this.#session.lookAgain()
      return result
    } catch (error) {
      // A work that was aborted may still have the connection, and must not write outside of the transaction.
      usable = !signal.aborted && lost === undefined && (await rolledBack(connection))
      throw ownOrStores(error, lost, settings.schema)
    } finally {
      client.off('error', onError)
      client.release(!usable)
    }
  }

  async #commit(connection: Queryable): Promise<void> {
    try {
      // A transaction in which a statement has failed answers COMMIT by rolling back, without an error.
      const [row] = await connection.query<[string | null]>('SELECT pg_current_xact_id_if_assigned()::text')
      await connection.query('COMMIT')
      void row
    } catch (error) {
      if (sqlState(error) === '25P02')
        throw new InvalidArgument('a statement of the transaction had failed, and its error was swallowed: the whole was rolled back', {
          cause: error,
        })
      throw isConnectionLoss(error)
        ? new StoreUnavailable('the connection was lost while the transaction was being committed: it may or may not be there', {
            cause: error,
          })
        : storeError(error, this.#session.settings.schema)
    }
  }
}

/** Units that join a transaction of the caller's own, on whatever connection of this database it runs. */
export async function commitInCaller(session: Session, tx: unknown, unit: Unit): Promise<CommitResult> {
  const client = tx as PgClient | null
  if (typeof client !== 'object' || client === null || typeof client.query !== 'function')
    throw new InvalidArgument("'tx' must be a connection of pg with an open transaction on the database of this store")
  return commitInside(session, session.database.on(client), unit)
}

/** A unit as part of a transaction that is not ours to end: whatever it throws or answers, only a unit that is written leaves something behind. */
async function commitInside(session: Session, connection: Queryable, unit: Unit): Promise<CommitResult> {
  assertUnit(unit)
  const { shapes, settings } = session
  await shapes.add(eventsOf(unit))
  const changeType = await session.changeType()
  // Events of a transaction are read like those of others: only its end says whether there are any.
  const channel = settings.pooler === 'none' ? `workflow:${settings.schema}` : null
  const made = new CommitStatement([{ unit, named: true }], shapes, { origin: 0, wait: waitInside, channel, solo: true, changeType })
  try {
    await connection.query('SAVEPOINT workflow_unit')
  } catch (error) {
    if (sqlState(error) === '25P01')
      throw new InvalidArgument("'tx' has no open transaction: BEGIN one before, and COMMIT it afterwards", { cause: error })
    throw storeError(error, settings.schema)
  }
  try {
    const [row] = await connection.query<[string]>(statement, made.params, 'commit_1')
    const answer = made.answer(row?.[0] ?? '')
    await connection.query('RELEASE SAVEPOINT workflow_unit')
    if (answer.refused.size > 0) return { ok: true, replayed: true, final: false, seqs: [] }
    return { ok: true, replayed: false, final: false, seqs: answer.seqsOf.get(0) ?? [] }
  } catch (error) {
    await connection.query('ROLLBACK TO SAVEPOINT workflow_unit').catch(() => undefined)
    if (isContention(error)) return { ok: false, reason: 'busy' }
    if (sqlState(error) !== 'WF001') throw storeError(error, settings.schema)
    const why = error instanceof Error ? error.message : ''
    const change = why.startsWith('c') ? made.changeAt(Number(why.slice(1))) : undefined
    return (await resolveRefusal(connection, { unit, why, change, final: false })) ?? { ok: false, reason: 'busy' }
  }
}

/**
 * What the work throws is its own, a statement of its own that is wrong included: only what the database or a connection has done to it
 * is the store's, and so is what this package has refused. Libraries wrap either as the cause of an error of theirs.
 */
function ownOrStores(error: unknown, lost: Error | undefined, schema: string): unknown {
  if (lost !== undefined) return storeError(error, schema)
  for (let each = error, depth = 0; each instanceof Error && depth < causesMax; each = each.cause, depth++) {
    if (isWorkflowError(each)) return each
    if (sqlState(each) === undefined) continue
    const stores = storeError(each, schema)
    return stores.retryable ? stores : error
  }
  return error
}

async function rolledBack(connection: Queryable): Promise<boolean> {
  try {
    await connection.query('ROLLBACK')
    return true
  } catch {
    return false
  }
}

/** The work's own result, unless the signal comes first. */
async function guarded<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  work.catch(() => undefined)
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
