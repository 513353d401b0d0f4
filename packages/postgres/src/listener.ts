/**
 * Hears what other processes tell, on one connection of its own. When that is lost it is made again, and everybody looks
 * at what they may have missed. Behind a transaction-mode pooler nothing can be heard; polling finds the same, later.
 *
 * Whoever listens holds a shared advisory lock, so that others can count the listeners, and greets those who listen
 * already: from then on they know that they are not alone, and the first thing they tell is what they kept to themselves.
 */
import type { Clock } from '@workflow/core/adapter'
import type { Database } from './database.ts'
import type { PgPoolClient } from './driver.ts'

/** Between two attempts to connect again, in ms: at first, and at most. */
const againMs = 50
const againMsMax = 5_000
/** How often the listeners are counted, at least: whoever was left alone goes on telling for so long. */
const countMsMax = 5_000
const greeting = 'hello '

const join = 'SELECT pg_backend_pid(), pg_try_advisory_lock_shared(hashtextextended($1, 0))::integer'
const othersListen = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND classid::bigint << 32 | objid::bigint = hashtextextended($1, 0) AND objsubid = 1 AND granted AND pid <> $2 LIMIT 1`

export interface ListenerOptions {
  readonly database: Database
  readonly channel: string
  readonly clock: Clock
  /** How often to see whether the connection still lives. */
  readonly checkMs: number
  readonly heard: (payload: string) => void
  /** Another one has begun to listen, who may have missed what this one kept to itself. */
  readonly greeted: () => void
  /** Something may have been missed. */
  readonly missed: () => void
}

export class Listener {
  readonly #options: ListenerOptions
  #client: PgPoolClient | undefined
  #started = false
  #closed = false
  #connecting: Promise<void> | undefined
  #timer: Disposable | undefined
  #waitMs = againMs
  #pid = 0
  /** How many have greeted us. */
  #greetings = 0
  #alone = false

  constructor(options: ListenerOptions) {
    this.#options = options
  }

  /** Whether it is certain that nobody else listens, but for those of whom we are just about to hear. */
  get alone(): boolean {
    return this.#alone
  }

  /** Begins to listen; resolves when it does, or when it could not be done at once. Idempotent. */
  async start(): Promise<void> {
    if (this.#started) return
    this.#started = true
    await this.#connect()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.[Symbol.dispose]()
    await this.#connecting
    const client = this.#client
    this.#client = undefined
    this.#alone = false
    if (client === undefined) return
    client.removeAllListeners('notification')
    client.removeAllListeners('end')
    // Not given back but closed: whoever gets it next would hear our messages.
    client.release(true)
  }

  async #connect(): Promise<void> {
    this.#connecting = this.#connectOnce()
    await this.#connecting
    this.#connecting = undefined
  }

  async #connectOnce(): Promise<void> {
    const { database, channel, missed } = this.#options
    try {
      const client = await database.connect()
      const lost = (): void => this.#lost(client)
      client.on('error', lost)
      client.on('end', lost)
      client.on('notification', (message) => {
        if (message.channel === channel) this.#hear(message.payload ?? '')
      })
      this.#client = client
      const connection = database.on(client)
      await connection.query(`LISTEN "${channel}"`)
      const [row] = await connection.query<[number]>(join, [channel])
      this.#pid = row?.[0] ?? 0
      await connection.query('SELECT pg_notify($1, $2)', [channel, `${greeting}${this.#pid}`])
      this.#waitMs = againMs
      missed()
      await this.#check(client)
    } catch {
      if (this.#client !== undefined) this.#lost(this.#client)
      else this.#later()
    }
  }

  #hear(payload: string): void {
    const { heard, greeted } = this.#options
    if (!payload.startsWith(greeting)) return heard(payload)
    if (payload === `${greeting}${this.#pid}`) return
    this.#greetings++
    const kept = this.#alone
    this.#alone = false
    if (kept) greeted()
  }

  /** Asks who else listens. A connection can be dead without a word: then that is not answered in time. */
  async #check(client: PgPoolClient): Promise<void> {
    const { database, channel, checkMs } = this.#options
    const greetings = this.#greetings
    try {
      const others = await database.on(client).query(othersListen, [channel, this.#pid])
      if (this.#client !== client) return
      // Whoever has greeted meanwhile may not have been counted.
      this.#alone = others.length === 0 && greetings === this.#greetings
      this.#arm(Math.min(checkMs, countMsMax), () => void this.#check(client))
    } catch {
      this.#lost(client)
    }
  }

  #lost(client: PgPoolClient): void {
    if (this.#client !== client) return
    this.#client = undefined
    this.#alone = false
    client.removeAllListeners('notification')
    client.release(true)
    this.#later()
  }

  #later(): void {
    if (this.#closed) return
    this.#arm(this.#waitMs, () => void this.#connect())
    this.#waitMs = Math.min(againMsMax, this.#waitMs * 2)
  }

  #arm(afterMs: number, callback: () => void): void {
    this.#timer?.[Symbol.dispose]()
    if (!this.#closed) this.#timer = this.#options.clock.setTimer(afterMs, callback)
  }
}
