/** What `handOut` gives for a position, and `ack` takes. */
export type Ticket = number

/** Consumed entries are cut off the front once there are this many and they are the larger half. */
const compactFrom = 1_024

/**
 * Acknowledgements that come in any order, over a log whose cursor is one number: tells how far the cursor may move
 * without passing anything unacknowledged. Positions are handed out in the order of the log; gaps between them are
 * fine. Every operation is O(1), amortised, however far the oldest open one lies behind.
 */
export class ContiguousAcks<Position> {
  /** Positions handed out, from the first one that is not acknowledged. */
  #positions: Position[] = []
  #acked: boolean[] = []
  /** Index in both arrays of the oldest open position. */
  #head = 0
  /** The ticket of index 0. */
  #base: Ticket = 0
  #prefix: Position | undefined

  /** The last position of which it and all before it are acknowledged: where the cursor may stand. Undefined until there is one. */
  get prefix(): Position | undefined {
    return this.#prefix
  }

  /** The oldest position that is not acknowledged; undefined when all are. */
  get oldestOpen(): Position | undefined {
    return this.#positions[this.#head]
  }

  /** How many positions lie beyond the prefix, acknowledged ones among them. */
  get beyondPrefix(): number {
    return this.#positions.length - this.#head
  }

  /** Notes that the event at a position has been handed out. Positions come in the order of the log. */
  handOut(position: Position): Ticket {
    this.#positions.push(position)
    this.#acked.push(false)
    return this.#base + this.#positions.length - 1
  }

  /** Acknowledges one. Answers whether the prefix moved; a ticket acknowledged before moves nothing. */
  ack(ticket: Ticket): boolean {
    const index = ticket - this.#base
    if (index < this.#head || this.#acked[index] !== false) return false
    this.#acked[index] = true
    if (index !== this.#head) return false
    do {
      this.#prefix = this.#positions[this.#head]
      this.#head++
    } while (this.#acked[this.#head] === true)
    this.#compact()
    return true
  }

  #compact(): void {
    if (this.#head === this.#positions.length) {
      this.#base += this.#head
      this.#positions = []
      this.#acked = []
      this.#head = 0
    } else if (this.#head >= compactFrom && this.#head * 2 > this.#positions.length) {
      this.#base += this.#head
      this.#positions = this.#positions.slice(this.#head)
      this.#acked = this.#acked.slice(this.#head)
      this.#head = 0
    }
  }
}
