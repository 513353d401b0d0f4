/**
 * The one way to write. What arrives within a turn of the event loop is written in one transaction; while it is being
 * written nothing else runs, and what comes after forms the next. Waiting for another process's lock is left to the
 * event loop: the jobs stay in the queue, and a short timer tries again.
 */
import { Fifo, Stopped, StoreUnavailable, type Clock } from '@workflow/core/adapter'
import type { Batch } from './batch.ts'
import type { Connection } from './connection.ts'
import { driverCode, isBusy, storeError } from './driver-error.ts'

/** Writes, inside the transaction, and answers what the caller gets once it has committed. May run twice; must not touch anything else. */
export type Job<T> = (batch: Batch) => T

interface Queued {
  readonly job: Job<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** What the writer needs of its session. */
export interface WriterHost {
  readonly file: string
  readonly clock: Clock
  readonly busyTimeoutMs: number
  /** Opens the database; undefined when it is open. */
  readonly open: () => Promise<void> | undefined
  /** The open connection; throws when the file is gone. Called before each transaction. */
  readonly connection: () => Connection
  readonly newBatch: () => Batch
  /** Writes what rides along, at the end of each transaction, and answers what to do once it has committed. */
  readonly ride: (batch: Batch) => (() => void) | undefined
  /** Called after each commit, before the callers hear of it. */
  readonly committed: (batch: Batch) => void
  readonly rolledBack: () => void
}

/** So many jobs at most in one transaction: about ten milliseconds of work, after which others get their turn. */
const jobsMax = 512

export class Writer {
  readonly #host: WriterHost
  readonly #queue = new Fifo<Queued>()
  /** Goes before the others: a lease must not run out behind a backlog of writes. */
  readonly #urgent = new Fifo<Queued>()
  /** Taken from the queue, but not written for want of the lock. */
  #waiting: Queued[] = []
  #scheduled: NodeJS.Immediate | undefined
  #retry: Disposable | undefined
  #busySince: number | undefined
  #held: Promise<void> | undefined
  #opening = false
  #closed = false
  #drained: (() => void)[] = []

  constructor(host: WriterHost) {
    this.#host = host
  }

  /** Runs a job in the next transaction. Jobs keep their order; urgent ones keep it among themselves, and go first. */
  run<T>(job: Job<T>, urgent = false): Promise<T> {
    if (this.#closed) return Promise.reject(new Stopped('the store has been closed'))
    return new Promise<T>((resolve, reject) => {
      // The job's own result is what its resolve is given.
      const queue = urgent ? this.#urgent : this.#queue
      queue.push({ job, resolve: resolve as (value: unknown) => void, reject })
      this.#schedule()
    })
  }

  /** Lets nobody write until `work` is done, so that it can hold a transaction on another connection. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    while (this.#held !== undefined) await this.#held
    if (this.#closed) throw new Stopped('the store has been closed')
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#held = promise
    try {
      return await work()
    } finally {
      this.#held = undefined
      resolve()
      this.#schedule()
    }
  }

  /** Takes no more jobs, and waits for those that it has. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#held !== undefined) await this.#held
    if (this.#length > 0) {
      await new Promise<void>((resolve) => this.#drained.push(resolve))
    }
  }

  get #length(): number {
    return this.#urgent.length + this.#queue.length + this.#waiting.length
  }

  #next(): Queued | undefined {
    return this.#urgent.shift() ?? this.#queue.shift()
  }

  #schedule(): void {
    // A native immediate, not the clock's: virtual time must not hold up a disk.
    if (this.#scheduled === undefined && this.#retry === undefined && this.#held === undefined && !this.#opening && this.#length > 0) {
      this.#scheduled = setImmediate(() => {
        this.#scheduled = undefined
        this.#flush()
      })
    }
  }

  #flush(): void {
    if (this.#held !== undefined) return
    const opening = this.#host.open()
    if (opening !== undefined) {
      this.#opening = true
      opening
        .then(
          () => undefined,
          (error: unknown) => this.#rejectAll(error),
        )
        .finally(() => {
          this.#opening = false
          this.#schedule()
        })
      return
    }
    const jobs = this.#waiting
    this.#waiting = []
    while (jobs.length < jobsMax) {
      const next = this.#next()
      if (next === undefined) break
      jobs.push(next)
    }
    try {
      this.#write(jobs)
      this.#busySince = undefined
    } catch (error) {
      this.#failed(jobs, error)
    }
    this.#schedule()
    this.#tellDrained()
  }

  /** The database does not open: nobody's job can be done. */
  #rejectAll(error: unknown): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) next.reject(error)
    this.#tellDrained()
  }

  #tellDrained(): void {
    if (this.#length === 0) {
      for (const resolve of this.#drained.splice(0)) resolve()
    }
  }

  #failed(jobs: Queued[], error: unknown): void {
    if (isBusy(error)) {
      const now = this.#host.clock.monotonic()
      this.#busySince ??= now
      const waitedMs = now - this.#busySince
      if (waitedMs < this.#host.busyTimeoutMs) {
        this.#waiting = jobs
        this.#retry = this.#host.clock.setTimer(Math.min(10, 1 + waitedMs / 50), () => {
          this.#retry = undefined
          this.#schedule()
        })
        return
      }
      this.#busySince = undefined
    }
    const wrapped = storeError(error, this.#host.file)
    for (const { reject } of jobs) reject(wrapped)
  }

  #write(jobs: readonly Queued[]): void {
    try {
      this.#transaction(jobs, (job, batch) => job(batch))
    } catch (error) {
      const code = driverCode(error)
      if (
        jobs.length === 1 ||
        isBusy(error) ||
        error instanceof StoreUnavailable ||
        (code !== undefined && !/^SQLITE_(CONSTRAINT|ERROR|MISMATCH|TOOBIG|RANGE)/.test(code))
      )
        throw error
      // Something is wrong with one of them, and it concerns nobody else: once more, each on its own.
      this.#transaction(jobs, (job, batch) => this.#alone(job, batch))
    }
  }

  /** All jobs in one transaction. Whatever throws takes all of it back. */
  #transaction(jobs: readonly Queued[], run: (job: Job<unknown>, batch: Batch) => unknown): void {
    const { connection, newBatch, ride, committed, rolledBack } = this.#host
    const { database } = connection()
    // A caller's own transaction on a shared handle: ours has to wait like any other writer.
    if (database.inTransaction) throw Object.assign(new Error('the handle is in a transaction'), { code: 'SQLITE_BUSY' })
    const batch = newBatch()
    const results: unknown[] = []
    let after: (() => void) | undefined
    batch.connection.run('BEGIN IMMEDIATE')
    try {
      for (const { job } of jobs) results.push(run(job, batch))
      after = ride(batch)
      batch.connection.run('COMMIT')
    } catch (error) {
      if (database.inTransaction) batch.connection.run('ROLLBACK')
      rolledBack()
      throw error
    }
    committed(batch)
    after?.()
    for (const [i, { resolve, reject }] of jobs.entries()) {
      const result = results[i]
      if (result instanceof Failure) reject(result.error)
      else resolve(result)
    }
  }

  #alone(job: Job<unknown>, batch: Batch): unknown {
    const events = batch.events.length
    batch.connection.run('SAVEPOINT alone')
    try {
      return job(batch)
    } catch (error) {
      if (!batch.connection.database.inTransaction) throw error
      batch.connection.run('ROLLBACK TO alone')
      batch.truncate(events)
      return new Failure(storeError(error, this.#host.file))
    } finally {
      if (batch.connection.database.inTransaction) batch.connection.run('RELEASE alone')
    }
  }
}

class Failure {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}
