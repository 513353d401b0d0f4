/**
 * The numbers of batches that are missing below the newest one that was seen. Pure: who reads, and when, is the log's
 * business.
 *
 * A missing number belongs to a transaction that is still open, or to one that rolled back. To tell them apart a number
 * older than 100 ms is given a witness: a transaction id that was assigned after the number had been found missing.
 * Whoever draws a number has an id before. So once a snapshot says that every transaction up to the witness has ended,
 * and does not show the number, it never will be filled.
 */
export interface Gap {
  /** When it was found, in ms of the monotonic clock. */
  readonly since: number
  /** A transaction id younger than that of whoever drew the number. */
  witness: number | undefined
  /** Only those ask for it who found it open in a cursor: everybody else knows what became of it. */
  readonly targeted: boolean
}

/** After so long a gap needs a witness; most are filled in a millisecond. */
const patienceMs = 100

export class Gaps {
  readonly #gaps = new Map<number, Gap>()

  get size(): number {
    return this.#gaps.size
  }

  /** The missing numbers, ascending. */
  get numbers(): number[] {
    return [...this.#gaps.keys()].sort((a, b) => a - b)
  }

  has(batch: number): boolean {
    return this.#gaps.has(batch)
  }

  get(batch: number): Gap | undefined {
    return this.#gaps.get(batch)
  }

  open(batch: number, since: number, witness?: number, targeted = false): void {
    if (!this.#gaps.has(batch)) this.#gaps.set(batch, { since, witness, targeted })
  }

  close(batch: number): void {
    this.#gaps.delete(batch)
  }

  clear(): void {
    this.#gaps.clear()
  }

  /** Whether some have waited long enough for a witness and have none. */
  needWitness(now: number): boolean {
    for (const { since, witness } of this.#gaps.values()) if (witness === undefined && now - since >= patienceMs) return true
    return false
  }

  /** Gives all that have none a witness, which must be younger than all of them. */
  bearWitness(witness: number): void {
    for (const gap of this.#gaps.values()) gap.witness ??= witness
  }

  /** Whether `batch`, which a snapshot did not show, will never be filled, given the oldest transaction that was open in that snapshot. */
  isDead(batch: number, oldestOpen: number): boolean {
    const witness = this.#gaps.get(batch)?.witness
    return witness !== undefined && oldestOpen > witness
  }
}
