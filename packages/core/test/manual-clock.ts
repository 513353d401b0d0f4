import type { Clock } from '../src/ports/clock.ts'

/** A clock that a test moves by hand. */
export class ManualClock implements Clock {
  #at = 0
  readonly #timers = new Map<object, { readonly due: number; readonly callback: () => void }>()

  readonly now = (): number => this.#at
  readonly monotonic = (): number => this.#at

  readonly setTimer = (afterMs: number, callback: () => void): Disposable => {
    const handle = {
      [Symbol.dispose]: (): void => {
        this.#timers.delete(handle)
      },
    }
    this.#timers.set(handle, { due: this.#at + Math.max(0, afterMs), callback })
    return handle
  }

  readonly setImmediate = (callback: () => void): Disposable => {
    const handle = setImmediate(callback)
    return { [Symbol.dispose]: () => clearImmediate(handle) }
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size
  }

  /** Lets time pass and fires what comes due, then lets everything that is ready have its turn. */
  async advance(ms: number): Promise<void> {
    await turn()
    this.#at += ms
    for (const [handle, { due, callback }] of [...this.#timers].toSorted(([, one], [, other]) => one.due - other.due)) {
      if (due > this.#at || !this.#timers.delete(handle)) continue
      callback()
      await turn()
    }
    await turn()
  }
}

/** Lets everything that is ready have its turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
