/** Lets so many handlers of one process run at once; the others wait in order. */
export class Gate {
  readonly limit: number
  #running = 0
  readonly #waiting: (() => void)[] = []
  #head = 0
  /** Called when so few wait that more may come. */
  onDrained: (() => void) | undefined
  drainedAt = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** How many wait for a turn. */
  get waiting(): number {
    return this.#waiting.length - this.#head
  }

  get running(): number {
    return this.#running
  }

  /** Takes a place if one is free now. */
  tryEnter(): boolean {
    if (this.#running >= this.limit || this.waiting > 0) return false
    this.#running += 1
    return true
  }

  /** Resolves when it is our turn. Every entry needs one `leave`. */
  enter(): Promise<void> {
    if (this.tryEnter()) return Promise.resolve()
    return new Promise((resolve) => this.queue(resolve))
  }

  /** Calls back when it is our turn, which must not be now: for those that `tryEnter` has turned away. */
  queue(turn: () => void): void {
    this.#waiting.push(turn)
  }

  /** Gives the place to whoever has waited longest. */
  leave(): void {
    const next = this.#waiting[this.#head]
    if (next === undefined) {
      this.#running -= 1
      return
    }
    this.#head += 1
    if (this.#head > 1_024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#head)
      this.#head = 0
    }
    next()
    if (this.waiting === this.drainedAt) this.onDrained?.()
  }
}
