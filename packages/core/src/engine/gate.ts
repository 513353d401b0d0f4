/** Lets so many handlers of one process run at once; the others wait in order. */
export class Gate {
  readonly limit: number
  #running = 0
  readonly #waiting: (Waiter | undefined)[] = []
  #head = 0
  #size = 0
  /** Called when so few wait that more may come. */
  onDrained: (() => void) | undefined
  drainedAt = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** How many wait for a turn. */
  get waiting(): number {
    return this.#size
  }

  get running(): number {
    return this.#running
  }

  /** Whether somebody has a place, or waits for one. */
  get isBusy(): boolean {
    return this.#running > 0 || this.#size > 0
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
    return new Promise((resolve) => this.queue(() => resolve()))
  }

  /**
   * Calls back with true when it is our turn, which must not be now: for those that `tryEnter` has turned away. Calls back
   * with false, and without a place, when the slot's waiters are sent away.
   */
  queue(turn: (entered: boolean) => void, slot?: number): void {
    this.#waiting.push({ turn, slot })
    this.#size += 1
  }

  /** Sends away whoever waits for a slot that is to be given up: it must not wait behind the others. */
  evict(slot: number): void {
    const gone: Waiter[] = []
    for (let i = this.#head; i < this.#waiting.length; i++) {
      const waiter = this.#waiting[i]
      if (waiter === undefined || waiter.slot !== slot) continue
      gone.push(waiter)
      this.#waiting[i] = undefined
      this.#size -= 1
    }
    for (const { turn } of gone) turn(false)
  }

  /** Gives the place to whoever has waited longest. */
  leave(): void {
    let next: Waiter | undefined
    while (next === undefined && this.#head < this.#waiting.length) {
      next = this.#waiting[this.#head]
      this.#waiting[this.#head] = undefined
      this.#head += 1
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#head)
      this.#head = 0
    }
    if (next === undefined) {
      this.#running -= 1
      return
    }
    this.#size -= 1
    next.turn(true)
    if (this.#size === this.drainedAt) this.onDrained?.()
  }
}

interface Waiter {
  readonly turn: (entered: boolean) => void
  readonly slot: number | undefined
}
