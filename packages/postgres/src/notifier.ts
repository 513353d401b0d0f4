/**
 * Tells other processes that there is something to read: the first batch of a moment takes the word along, and what
 * follows within milliseconds is told together at the end. Postgres lets one commit with a notification through at a time,
 * so where nobody else listens nothing is told.
 */
import type { Queryable } from './database.ts'

/** Between two notifications. */
const quietMs = 4

export interface NotifierOptions {
  readonly connection: Queryable
  readonly channel: string
  /** The number of this life of the process. */
  readonly origin: () => number
  /** Whether it is certain that no other process listens. */
  readonly alone: () => boolean
}

export class Notifier {
  readonly #options: NotifierOptions
  #last = -Infinity
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: NotifierOptions) {
    this.#options = options
  }

  /** The channel that a batch which leaves now should tell; undefined: `committed` will see to it. */
  leave(): string | undefined {
    const now = performance.now()
    if (now - this.#last < quietMs || this.#options.alone()) return undefined
    this.#last = now
    return this.#options.channel
  }

  /** A batch has been committed that told nobody. */
  committed(): void {
    if (this.#closed || this.#options.alone()) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#last = performance.now()
      this.tell(String(this.#options.origin()))
    }, quietMs)
  }

  /** Tells something else at once. */
  tell(payload: string): void {
    if (this.#closed) return
    const { connection, channel } = this.#options
    // If it gets lost, the others find out by polling.
    connection.query('SELECT pg_notify($1, $2)', [channel, payload]).catch(() => undefined)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
