/**
 * Hears what other processes tell, on one connection of its own. When that is lost it is made again, and everybody looks
 * at what they may have missed. Behind a transaction-mode pooler nothing can be heard; polling finds the same, later.
 */
import type { Clock } from '@workflow/core/adapter'
import type { Database } from './database.ts'
import type { PgPoolClient } from './driver.ts'

/** Between two attempts to connect again, in ms: at first, and at most. */
const againMs = 50
const againMsMax = 5_000

export interface ListenerOptions {
  readonly database: Database
  readonly channel: string
  readonly clock: Clock
  /** How often to see whether the connection still lives. */
  readonly checkMs: number
  readonly heard: (payload: string) => void
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

  constructor(options: ListenerOptions) {
    this.#options = options
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
    const { database, channel, heard, missed } = this.#options
    try {
      const client = await database.connect()
      const lost = (): void => this.#lost(client)
      client.on('error', lost)
      client.on('end', lost)
      client.on('notification', (message) => {
        if (message.channel === channel) heard(message.payload ?? '')
      })
      this.#client = client
      await database.on(client).query(`LISTEN "${channel}"`)
      this.#waitMs = againMs
      missed()
      this.#arm(this.#options.checkMs, () => void this.#check(client))
    } catch {
      if (this.#client !== undefined) this.#lost(this.#client)
      else this.#later()
    }
  }

  /** A connection can be dead without a word: then a question is not answered in time. */
  async #check(client: PgPoolClient): Promise<void> {
    try {
      await this.#options.database.on(client).query('SELECT 1')
      if (this.#client === client) this.#arm(this.#options.checkMs, () => void this.#check(client))
    } catch {
      this.#lost(client)
    }
  }

  #lost(client: PgPoolClient): void {
    if (this.#client !== client) return
    this.#client = undefined
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
