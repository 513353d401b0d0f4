import type { Clock } from '../ports/clock.ts'

/** Resolves after `ms`; rejects with `signal.reason` when that comes first. Leaves neither timer nor listener behind. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason)
    const abort = (): void => {
      timer[Symbol.dispose]()
      reject(signal?.reason)
    }
    const timer = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', abort)
      resolve()
    })
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** Resolves once all else that is ready has had a turn: timers, sockets, other callers. */
export function turn(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.setImmediate(resolve)
  })
}

/** Rejects with `signal.reason` once it aborts, unless `work` settles first. The signal is the caller's own, so the listener goes with it. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    // Also where it is aborted already: `work` may never settle.
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
}

/** Waits for the end of something, for so long at most. */
export function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(ms, resolve)
    const end = (): void => {
      timer[Symbol.dispose]()
      resolve()
    }
    work.then(end, end)
  })
}

/** A wake-up that is remembered until somebody waits, and then ends one wait. One waiter at a time. */
export class Wake {
  #set = false
  #resolve: (() => void) | undefined

  set(): void {
    this.#set = true
    this.#resolve?.()
  }

  /** Waits for a wake-up, for at most `ms`, or until the signal aborts; resolves in every case. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#set && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const end = (): void => {
          this.#resolve = undefined
          timer?.[Symbol.dispose]()
          signal.removeEventListener('abort', end)
          resolve()
        }
        const timer = ms === Infinity ? undefined : clock.setTimer(ms, end)
        signal.addEventListener('abort', end)
        this.#resolve = end
      })
    }
    this.#set = false
  }
}
