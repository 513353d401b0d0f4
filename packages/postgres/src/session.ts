/** One database, shared by the four ports: its connections, its committer, its log of events. Opened by the first use. */
import { Stopped } from '@workflow/core/adapter'
import { Committer } from './committer.ts'
import { CursorFlusher } from './cursor-flusher.ts'
import { Database } from './database.ts'
import { EventLog } from './event-log.ts'
import type { EventRow } from './event-row.ts'
import { keepHouse } from './housekeeping.ts'
import { Listener } from './listener.ts'
import { LogEntry } from './log-entry.ts'
import { everyTopic } from './event-log.ts'
import { assertMigrated, migrateDatabase } from './migrate.ts'
import { Notifier } from './notifier.ts'
import type { Settings } from './settings.ts'
import { Shapes, type Shape } from './shapes.ts'

/** What processes tell each other beside the number of who has committed. */
const claimsWord = 'claims'
const rolesWord = 'roles'

const housekeepingMs = 30_000

export class Session {
  readonly settings: Settings
  readonly database: Database
  readonly shapes: Shapes
  readonly committer: Committer
  readonly log: EventLog
  readonly flusher: CursorFlusher
  readonly #notifier: Notifier
  readonly #listener: Listener
  readonly #timerListeners = new Set<(soonestMs?: number) => void>()
  readonly #appendListeners = new Set<() => void>()
  readonly #roleListeners = new Set<() => void>()
  readonly #users = new Set<object>()
  readonly #lost: Disposable
  #housekeeping: Disposable | undefined
  #origin = 0
  #originKnown = false
  #changeType = 0
  #opened = false
  #opening: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(settings: Settings) {
    this.settings = settings
    const { clock, schema, pollingMs, queryTimeoutMs } = settings
    this.database = new Database(settings)
    this.shapes = new Shapes(this.database)
    const origin = (): number => this.#origin
    const channel = `workflow:${schema}`
    this.log = new EventLog({ connection: this.database, shapes: this.shapes, clock, pollingMs, origin })
    this.flusher = new CursorFlusher(this.database, clock)
    this.#listener = new Listener({
      database: this.database,
      channel,
      clock,
      checkMs: queryTimeoutMs,
      heard: (payload) => this.#heard(payload),
      greeted: () => this.#notifier.tell(String(this.#origin)),
      missed: () => this.#missed(),
    })
    this.#notifier = new Notifier({ connection: this.database, channel, origin, alone: () => this.#listener.alone })
    this.committer = new Committer({
      settings,
      database: this.database,
      shapes: this.shapes,
      open: () => (this.#opened && this.#originKnown ? undefined : this.#openOnce()),
      origin,
      changeType: () => this.#changeType,
      channel: () => this.#notifier.leave(),
      leaving: (told) => this.#leaving(told),
      timersChanged: (soonestMs) => this.timersChanged(soonestMs),
    })
    this.#lost = this.database.onLost(() => this.#forgetOrigin())
  }

  /** Keeps the database open until `user` is `done`; what is committed opens it. */
  use(user: object): void {
    if (this.#closed === undefined) this.#users.add(user)
  }

  /** Opens the database if nobody has; `user` keeps it open until it is `done`. */
  async ready(user: object): Promise<void> {
    if (this.#closed !== undefined) throw this.#over()
    this.#users.add(user)
    if (!this.#opened) await this.#openOnce()
  }

  /** The oid of the type `change`. */
  async changeType(): Promise<number> {
    if (this.#changeType === 0) await this.#newOrigin()
    return this.#changeType
  }

  /** Begins to hear of other processes, and to keep house. */
  async listen(): Promise<void> {
    this.#armHousekeeping()
    if (this.settings.pooler === 'none') await this.#listener.start()
  }

  /** Events from an id to another, of topics that are wanted; `slots` undefined means all. */
  async scan(
    from: number,
    to: number,
    topics: ReadonlySet<string>,
    slots: readonly number[] | undefined,
    limit: number,
  ): Promise<readonly LogEntry[]> {
    const wants = (shape: Shape): boolean => topics.has(everyTopic) || shape.topics.some((topic) => topics.has(topic))
    const skip = this.shapes.idsWhere((shape) => !wants(shape))
    const rows = await this.database.query<EventRow>(
      'SELECT * FROM {scan_1}($1, $2, $3, $4, $5)',
      [from, to, skip, slots ?? null, limit],
      'scan_1',
    )
    return this.#entries(rows, false)
  }

  /** Whole batches, and single events, in the order of their ids. */
  async pick(batches: readonly number[], ids: readonly number[]): Promise<readonly LogEntry[]> {
    const rows = await this.database.query<EventRow>('SELECT * FROM {pick_1}($1, $2)', [batches, ids], 'pick_1')
    const distinct = new Map(rows.map((row) => [row[0], row]))
    return this.#entries(
      [...distinct.values()].sort((a, b) => a[0] - b[0]),
      false,
    )
  }

  /** Tells every process, this one included, to look whether its claims still hold. */
  claimsChanged(): void {
    this.#notifier.tell(claimsWord)
    this.log.lookAtClaims()
  }

  /** Tells other processes that there is something new about roles. */
  rolesChanged(): void {
    this.#notifier.tell(rolesWord)
  }

  /** Something may have been written behind this session's back, on a connection that it does not watch. */
  lookAgain(): void {
    this.log.look()
    for (const wake of [...this.#timerListeners, ...this.#appendListeners]) wake()
  }

  timersChanged(soonestMs?: number): void {
    for (const wake of [...this.#timerListeners]) wake(soonestMs)
  }

  onTimers(wake: (soonestMs?: number) => void): Disposable {
    return listen(this.#timerListeners, wake)
  }

  onAppend(wake: () => void): Disposable {
    return listen(this.#appendListeners, wake)
  }

  onRoles(wake: () => void): Disposable {
    return listen(this.#roleListeners, wake)
  }

  /** A user needs the database no longer; the last one closes it. */
  async done(user: object): Promise<void> {
    if (this.#users.delete(user) && this.#users.size === 0) await this.close()
  }

  /** Lets the committer finish, then closes what is ours. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#housekeeping?.[Symbol.dispose]()
    await this.#opening?.catch(() => undefined)
    await this.committer.close()
    await this.flusher.flush()
    this.flusher.close()
    this.log.close()
    this.#notifier.close()
    this.#lost[Symbol.dispose]()
    await this.#listener.close()
    await this.database.close()
  }

  async #openOnce(): Promise<void> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    await this.#opening
  }

  async #open(): Promise<void> {
    if (!this.#opened) {
      const { schema, migrate } = this.settings
      await (migrate === 'auto' ? migrateDatabase(this.database, schema) : assertMigrated(this.database, schema))
      await this.shapes.load()
    }
    if (!this.#originKnown) await this.#newOrigin()
    this.#opened = true
  }

  /** An outcome is unknown: what this process may have committed under the old number must be read like everybody else's. */
  #forgetOrigin(): void {
    if (!this.#originKnown || this.#closed !== undefined) return
    this.#originKnown = false
    void this.#newOrigin()
      // The next commit tries again.
      .catch(() => undefined)
      .finally(() => this.log.look())
  }

  async #newOrigin(): Promise<void> {
    const [row] = await this.database.query<[number, number]>("SELECT nextval('{origin}'), '{change}'::regtype::oid::bigint")
    this.#origin = row?.[0] ?? 0
    this.#changeType = row?.[1] ?? 0
    this.#originKnown = true
  }

  #armHousekeeping(): void {
    if (this.#closed !== undefined) return
    this.#housekeeping ??= this.settings.clock.setTimer(housekeepingMs, () => {
      this.#housekeeping = undefined
      // What could not be done now is done the next time.
      void keepHouse(this.database, this.log.settled)
        .catch(() => undefined)
        .finally(() => this.#armHousekeeping())
    })
  }

  #leaving(told: boolean): ReturnType<EventLog['leaving']> {
    const arrived = this.log.leaving()
    return (written) => {
      arrived(written)
      if (written === undefined) this.#forgetOrigin()
      if (written === undefined || written.length === 0) return
      if (!told) this.#notifier.committed()
      for (const wake of [...this.#appendListeners]) wake()
    }
  }

  #heard(payload: string): void {
    if (payload === claimsWord) this.log.lookAtClaims()
    else if (payload === rolesWord) for (const wake of [...this.#roleListeners]) wake()
    else if (payload !== String(this.#origin)) this.log.look()
  }

  #missed(): void {
    this.log.look()
    this.log.lookAtClaims()
    for (const wake of [...this.#roleListeners]) wake()
  }

  async #entries(rows: readonly EventRow[], late: boolean): Promise<readonly LogEntry[]> {
    if (rows.some(([, , shape]) => this.shapes.get(shape) === undefined)) await this.shapes.load()
    return rows.map((row) => new LogEntry(row[0], row, this.shapes.get(row[2]), late))
  }

  #over(): Stopped {
    return new Stopped('the connections to Postgres have been closed')
  }
}

function listen(listeners: Set<() => void>, wake: () => void): Disposable {
  listeners.add(wake)
  return { [Symbol.dispose]: () => void listeners.delete(wake) }
}
