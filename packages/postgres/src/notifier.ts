/**
 * Tells other processes that there is something to read: the first batch of a moment takes the word along, and what
 * follows within milliseconds is told together at the end. Postgres lets one commit with a notification through at a time.
 */
import type { Queryable } from './database.ts'

/** Between two notifications. */
const quietMs = 4

export class Notifier {
  readonly #connection: Queryable
  readonly #channel: string
  readonly #origin: () => number
  #last = -Infinity
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(connection: Queryable, channel: string, origin: () => number) {
    this.#connection = connection
    this.#channel = channel
    this.#origin = origin
  }

  /** The channel that a batch which leaves now should tell; undefined: `committed` will see to it. */
  leave(): string | undefined {
    const now = performance.now()
    if (now - this.#last < quietMs) return undefined
    this.#last = now
    return this.#channel
  }

  /** A batch has been committed that told nobody. */
  committed(): void {
    if (this.#closed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#last = performance.now()
      this.tell(String(this.#origin()))
    }, quietMs)
  }

  /** Tells something else at once. */
  tell(payload: string): void {
    if (this.#closed) return
    // If it gets lost, the others find out by polling.
    this.#connection.query('SELECT pg_notify($1, $2)', [this.#channel, payload]).catch(() => undefined)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
