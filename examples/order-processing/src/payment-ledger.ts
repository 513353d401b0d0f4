/**
 * The books of the simulated payment service: a database of its own that the workflow never touches. Every entry is on
 * disk before the service answers, so that a killed process cannot make it forget a charge.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { ChargeRequest, Payment } from './payments.ts'

/** One line of the books. */
export interface LedgerEntry {
  readonly paymentId: string
  readonly key: string
  readonly orderId: string
  readonly cents: number
  readonly outcome: 'charged' | 'declined'
  /** How often the key was sent again afterwards. */
  readonly repeats: number
}

export class PaymentLedger {
  readonly #database: DatabaseSync
  readonly #insert: StatementSync
  readonly #repeat: StatementSync
  #open = true

  constructor(file: string) {
    // Several processes may write at once: each waits for the others, for milliseconds.
    this.#database = new DatabaseSync(file, { timeout: 10_000 })
    this.#database.exec(`
      pragma journal_mode = wal;
      pragma synchronous = full;
      create table if not exists charges (
        id integer primary key,
        key text not null unique,
        order_id text not null,
        cents integer not null,
        outcome text not null,
        repeats integer not null default 0
      ) strict;`)
    this.#insert = this.#database.prepare(
      'insert into charges (key, order_id, cents, outcome) values (?, ?, ?, ?) on conflict (key) do nothing returning id',
    )
    this.#repeat = this.#database.prepare('update charges set repeats = repeats + 1 where key = ? returning id, outcome')
  }

  get open(): boolean {
    return this.#open
  }

  /** Writes the first request of a key; answers every later one with what was written then. */
  record({ key, orderId, cents }: ChargeRequest, outcome: Payment['outcome']): Payment {
    const row = (this.#insert.get(key, orderId, cents, outcome) as { id: number } | undefined) ?? undefined
    if (row !== undefined) return paymentOf(row.id, outcome)
    // The cast holds because the key is there: the insert met it.
    const known = this.#repeat.get(key) as { id: number; outcome: Payment['outcome'] }
    return paymentOf(known.id, known.outcome)
  }

  entries(): readonly LedgerEntry[] {
    const rows = this.#database.prepare('select id, key, order_id as orderId, cents, outcome, repeats from charges order by id').all()
    // The cast holds because these are the columns of the table above.
    return (rows as unknown as (Omit<LedgerEntry, 'paymentId'> & { id: number })[]).map(({ id, ...entry }) => ({
      paymentId: paymentIdOf(id),
      ...entry,
    }))
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#database.close()
  }
}

function paymentOf(id: number, outcome: Payment['outcome']): Payment {
  return outcome === 'charged' ? { outcome, paymentId: paymentIdOf(id) } : { outcome }
}

function paymentIdOf(id: number): string {
  return `payment-${id}`
}
