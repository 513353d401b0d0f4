import type { Clock } from '../ports/clock.ts'

/**
 * Lets a run that may kill its process run alone in it, so that a crash tells which one it was. Shared by all workflows
 * of a process that use the same store.
 */
export class Solitude {
  #running = 0
  #alone = false
  readonly #waiting: (() => void)[] = []

  /** Takes part with everybody else; resolves once nobody runs alone. */
  async enter(): Promise<void> {
    while (this.#alone) await this.#change()
    this.#running += 1
  }

  /** The same, if that is possible now. */
  tryEnter(): boolean {
    if (this.#alone) return false
    this.#running += 1
    return true
  }

  leave(): void {
    this.#running -= 1
    this.#wake()
  }

  /**
   * Resolves to true once nobody else runs; nobody else starts before `leaveAlone`. Resolves to false, and bars nobody any
   * more, when the others have not ended within `msMax`: a long handler, or one that waits for another run.
   */
  async enterAlone(clock: Clock, msMax: number): Promise<boolean> {
    let over = false
    const timer = clock.setTimer(msMax, () => {
      over = true
      this.#wake()
    })
    try {
      while (this.#alone && !over) await this.#change()
      if (over) return false
      this.#alone = true
      while (this.#running > 0 && !over) await this.#change()
      if (this.#running === 0) return true
      this.leaveAlone()
      return false
    } finally {
      timer[Symbol.dispose]()
    }
  }

  leaveAlone(): void {
    this.#alone = false
    this.#wake()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  #wake(): void {
    if (this.#waiting.length === 0) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

const byStore = new WeakMap<object, Solitude>()

/** The one of a store in this process. */
export function solitudeOf(store: object): Solitude {
  let solitude = byStore.get(store)
  if (solitude === undefined) {
    solitude = new Solitude()
    byStore.set(store, solitude)
  }
  return solitude
}
