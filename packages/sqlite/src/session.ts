/** One open database, shared by the four ports: its connection, its writer, its log of events. Opened by the first use. */
import { Configuration, Stopped } from '@workflow/core/adapter'
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { Batch } from './batch.ts'
import { configureDatabase, Connection, openDatabase } from './connection.ts'
import type { SqliteDatabase } from './driver.ts'
import { fileGone, isBusy, storeError } from './driver-error.ts'
import { EventLog } from './event-log.ts'
import { ForeignChanges } from './foreign-changes.ts'
import { KnownSeqs } from './known-seqs.ts'
import { assertMigrated, migrateConnection } from './migrate.ts'
import type { SessionSettings } from './session-options.ts'
import { TopicSets } from './topic-sets.ts'
import { Writer, type Job } from './writer.ts'

/** What an open session has. */
interface Opened {
  readonly connection: Connection
  readonly log: EventLog
  readonly foreign: ForeignChanges
  readonly inode: number
}

export class Session {
  readonly settings: SessionSettings
  readonly #writer: Writer
  readonly #topicSets = new TopicSets()
  readonly #knownSeqs = new KnownSeqs()
  readonly #timerListeners = new Set<(soonestMs?: number) => void>()
  readonly #appendListeners = new Set<() => void>()
  readonly #users = new Set<object>()
  #opened: Opened | undefined
  #opening: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(settings: SessionSettings) {
    this.settings = settings
    this.#writer = new Writer({
      file: settings.file,
      clock: settings.clock,
      busyTimeoutMs: settings.busyTimeoutMs,
      open: () => (this.#opened === undefined ? this.#openOnce() : undefined),
      connection: () => this.#checkedConnection(),
      newBatch: () => this.newBatch(this.#open().connection),
      ride: (batch) => this.#open().log.ride(batch),
      committed: (batch) => this.committed(batch),
      rolledBack: () => this.#topicSets.rolledBack(),
    })
  }

  /** The log. Only after `ready`. */
  get log(): EventLog {
    return this.#open().log
  }

  /** Tells when other processes write. Only after `ready`. */
  get foreign(): ForeignChanges {
    return this.#open().foreign
  }

  /** Opens the database if nobody has; `user` keeps it open until it is `done`. */
  async ready(user: object): Promise<void> {
    if (this.#opened !== undefined && this.#closed === undefined && this.#users.has(user)) return
    if (this.#closed !== undefined) throw this.#over()
    this.#users.add(user)
    await this.#openOnce()
  }

  async #openOnce(): Promise<void> {
    this.#opening ??= this.#openWithPatience().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    await this.#opening
  }

  /** Reads outside of any transaction of ours: what is committed, no more. Retries while the file is locked. */
  async read<T>(user: object, work: (connection: Connection) => T): Promise<T> {
    if (this.#opened === undefined || !this.#users.has(user)) await this.ready(user)
    try {
      return work(this.#open().connection)
    } catch (error) {
      if (!isBusy(error)) throw storeError(error, this.settings.file)
      return this.patiently(() => work(this.#open().connection))
    }
  }

  /**
   * Runs a job in the next write transaction. Jobs keep the order of these calls, the first ones that open the file among
   * them. `urgent`: before all that are not.
   */
  write<T>(user: object, job: Job<T>, urgent = false): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(this.#over())
    this.#users.add(user)
    return this.#writer.run(job, urgent)
  }

  /** Runs `work` while nobody else of this process writes. */
  hold<T>(work: () => Promise<T>): Promise<T> {
    return this.#writer.hold(work)
  }

  /** Repeats `work` while another connection locks it out, for as long as `busyTimeout` allows. Its errors come out as ours. */
  async patiently<T>(work: () => T): Promise<T> {
    const { clock, busyTimeoutMs, file } = this.settings
    const start = clock.monotonic()
    for (;;) {
      try {
        return work()
      } catch (error) {
        const waitedMs = clock.monotonic() - start
        if (!isBusy(error) || waitedMs >= busyTimeoutMs) throw storeError(error, file)
        await new Promise<void>((wake) => clock.setTimer(Math.min(10, 1 + waitedMs / 50), wake))
      }
    }
  }

  newBatch(connection: Connection): Batch {
    return new Batch(connection, this.#topicSets, this.#knownSeqs)
  }

  /** Opens one more handle on the same file, with the same settings. */
  openAnother(): SqliteDatabase {
    const { file, synchronous, cacheMebibytes } = this.settings
    const database = openDatabase(file)
    configureDatabase(database, synchronous, cacheMebibytes)
    return database
  }

  /** Tells whoever listens what a committed batch has changed. */
  committed(batch: Batch): void {
    const { log, foreign } = this.#open()
    log.committed(batch)
    foreign.busy()
    if (batch.events.length > 0) for (const wake of [...this.#appendListeners]) wake()
    if (batch.soonestTimerMs < Infinity) for (const wake of [...this.#timerListeners]) wake(batch.soonestTimerMs)
  }

  /** Something may have been written behind this session's back, on a handle that it does not watch. */
  lookAgain(): void {
    if (this.#closed !== undefined || this.#opened === undefined) return
    this.#opened.log.lookAgain()
    for (const wake of [...this.#timerListeners, ...this.#appendListeners]) wake()
  }

  onTimers(wake: (soonestMs?: number) => void): Disposable {
    this.#timerListeners.add(wake)
    return { [Symbol.dispose]: () => void this.#timerListeners.delete(wake) }
  }

  onAppend(wake: () => void): Disposable {
    this.#appendListeners.add(wake)
    return { [Symbol.dispose]: () => void this.#appendListeners.delete(wake) }
  }

  /** A user needs the database no longer; the last one closes it. */
  async done(user: object): Promise<void> {
    if (this.#users.delete(user) && this.#users.size === 0) await this.close()
  }

  /** Lets the writer finish, then closes the handle if it is ours. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#opening?.catch(() => undefined)
    await this.#writer.close()
    const opened = this.#opened
    if (opened === undefined) return
    opened.log.close()
    opened.foreign.close()
    if (this.settings.database === undefined && opened.connection.database.open) opened.connection.database.close()
  }

  async #openWithPatience(): Promise<void> {
    const { file, database: given, prefix, synchronous, cacheMebibytes, migrate, clock, pollingMs } = this.settings
    // Opening it would leave an empty file behind, at a path that is wrong.
    if (given === undefined && migrate === 'manual' && file !== ':memory:' && !existsSync(file))
      throw new Configuration(
        `there is no database at ${file}: check the path, create it with migrateSqlite, or leave out migrate: 'manual'`,
        {
          details: { file },
        },
      )
    const database = await this.patiently(() => given ?? openDatabase(file))
    try {
      await this.patiently(() => configureDatabase(database, synchronous, cacheMebibytes))
      const connection = new Connection(database, prefix)
      await this.patiently(() => (migrate === 'auto' ? migrateConnection(connection, file) : assertMigrated(connection, file)))
      const foreign = new ForeignChanges(connection, clock, database.memory ? 0 : pollingMs)
      const log = new EventLog({
        connection,
        topicSets: this.#topicSets,
        clock,
        foreign,
        flush: () => void this.#writer.run(() => undefined).catch(() => undefined),
      })
      this.#opened = { connection, foreign, log, inode: database.memory ? 0 : inodeOf(file) }
    } catch (error) {
      if (given === undefined) database.close()
      throw error
    }
  }

  #over(): Stopped {
    return new Stopped(`the database ${this.settings.file} has been closed`)
  }

  #open(): Opened {
    if (this.#opened === undefined || !this.#opened.connection.database.open) {
      throw this.#over()
    }
    return this.#opened
  }

  /** SQLite would go on writing into a deleted file without a word: so its place in the folder is checked before each transaction. */
  #checkedConnection(): Connection {
    const { connection, inode } = this.#open()
    if (inode !== 0 && inodeOf(this.settings.file) !== inode) throw fileGone(this.settings.file)
    return connection
  }
}

function inodeOf(file: string): number {
  return statSync(resolve(file), { throwIfNoEntry: false })?.ino ?? -1
}
