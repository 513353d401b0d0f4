import type { Clock } from '@workflow/core/adapter'

interface PendingTimer {
  readonly due: number
  readonly order: number
  readonly callback: () => void
}

/** 2026-01-01, 00:00 UTC: tests begin at a date that is easy to read. */
const startDefault = Date.UTC(2026, 0, 1)
/** How often the event loop turns after each instant, so that what a timer started gets its turn before the next one fires. */
const turnsPerInstant = 2

/** A clock that stands still until it is advanced. Timers fire in the order of their time, then of their setting. */
export class VirtualClock implements Clock {
  #wall: number
  #monotonic = 0
  #orders = 0
  readonly #timers = new Set<PendingTimer>()

  constructor(start: Date | number = startDefault) {
    this.#wall = Number(start)
  }

  readonly now = (): number => this.#wall
  readonly monotonic = (): number => this.#monotonic

  readonly setTimer = (afterMs: number, callback: () => void): Disposable => {
    const timer = { due: this.#monotonic + Math.max(0, afterMs), order: this.#orders++, callback }
    this.#timers.add(timer)
    return {
      [Symbol.dispose]: () => {
        this.#timers.delete(timer)
      },
    }
  }

  readonly setImmediate = (callback: () => void): Disposable => {
    const handle = setImmediate(callback)
    return { [Symbol.dispose]: () => clearImmediate(handle) }
  }

  /** One name per timer that is set and has not fired: what would keep a process alive. */
  readonly pending = (): readonly string[] => [...this.#timers].map(({ due }) => `timer in ${due - this.#monotonic} ms`)

  /** Lets `ms` pass: fires what comes due, each at its own instant, with turns of the event loop in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms
    await turns()
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#moveTo(next.due)
      this.#timers.delete(next)
      next.callback()
      if ((this.#next(end)?.due ?? Infinity) > next.due) await turns()
    }
    this.#moveTo(end)
    await turns()
  }

  /** Moves one clock alone and fires nothing: a wall clock that was set, a machine that slept. */
  jump(which: 'wall' | 'monotonic', ms: number): void {
    if (which === 'wall') this.#wall += ms
    else this.#monotonic += ms
  }

  #next(end: number): PendingTimer | undefined {
    let first: PendingTimer | undefined
    for (const timer of this.#timers) {
      if (timer.due <= end && (first === undefined || timer.due < first.due || (timer.due === first.due && timer.order < first.order)))
        first = timer
    }
    return first
  }

  #moveTo(monotonic: number): void {
    const ms = Math.max(0, monotonic - this.#monotonic)
    this.#monotonic += ms
    this.#wall += ms
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < turnsPerInstant; turn++)
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
}
