import type { Clock } from '../ports/clock.ts'

interface Waiter {
  readonly done: (woken: boolean) => void
}

/**
 * A signal that says "look again". Many wake-ups before somebody waits count as one; one that comes while nobody waits
 * is kept for the next who does, so that none is lost between looking and waiting.
 */
export class Wakeup {
  readonly #waiters = new Set<Waiter>()
  #pending = false

  /** Wakes everybody who waits, else the next who will. */
  wake(): void {
    if (this.#waiters.size === 0) {
      this.#pending = true
      return
    }
    for (const waiter of this.#waiters) waiter.done(true)
  }

  /** Waits for a wake-up. Rejects with `signal.reason` when aborted. Leaves no listener behind, however it ends. */
  async wait(signal: AbortSignal): Promise<void> {
    await this.#wait(signal, undefined)
  }

  /** Like `wait`, but for at most `afterMs`; answers whether it was woken. */
  waitAtMost(signal: AbortSignal, clock: Clock, afterMs: number): Promise<boolean> {
    return this.#wait(signal, (callback) => clock.setTimer(afterMs, callback))
  }

  async #wait(signal: AbortSignal, startTimer: ((callback: () => void) => Disposable) | undefined): Promise<boolean> {
    signal.throwIfAborted()
    if (this.#pending) {
      this.#pending = false
      return true
    }
    return new Promise<boolean>((resolve, reject) => {
      const end = (): void => {
        this.#waiters.delete(waiter)
        signal.removeEventListener('abort', onAbort)
        timer?.[Symbol.dispose]()
      }
      const waiter: Waiter = {
        done: (woken) => {
          end()
          resolve(woken)
        },
      }
      const onAbort = (): void => {
        end()
        reject(signal.reason)
      }
      const timer = startTimer?.(() => waiter.done(false))
      this.#waiters.add(waiter)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}
