import type { Clock } from '@workflow/core/adapter'
import { type Due, DueQueue } from './due-queue.ts'
import { realClearImmediate, realSetImmediate, realTurn } from './real-turn.ts'
import { waitsVirtually } from './virtual-wait.ts'

interface PendingTimer extends Due {
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
  #immediates = 0
  readonly #timers = new DueQueue<PendingTimer>()

  constructor(start: Date | number = startDefault) {
    this.#wall = Number(start)
  }

  readonly now = (): number => this.#wall
  readonly monotonic = (): number => this.#monotonic

  readonly setTimer = (afterMs: number, callback: () => void): Disposable => {
    const over = waitsVirtually()
    const timer: PendingTimer = {
      due: this.#monotonic + Math.max(0, afterMs),
      order: this.#orders++,
      gone: false,
      callback: () => {
        over()
        callback()
      },
    }
    this.#timers.push(timer)
    return {
      [Symbol.dispose]: () => {
        this.#timers.drop(timer)
        over()
      },
    }
  }

  readonly setImmediate = (callback: () => void): Disposable => {
    this.#immediates += 1
    let waiting = true
    const over = (): void => {
      if (waiting) this.#immediates -= 1
      waiting = false
    }
    const handle = realSetImmediate(() => {
      over()
      callback()
    })
    return {
      [Symbol.dispose]: () => {
        over()
        realClearImmediate(handle)
      },
    }
  }

  /** One name per timer that is set and has not fired: what would keep a process alive. */
  readonly pending = (): readonly string[] => this.#timers.all().map(({ due }) => `timer in ${due - this.#monotonic} ms`)

  /** Whether somebody still waits for a turn of the event loop. */
  get busy(): boolean {
    return this.#immediates > 0
  }

  /** How long until the next timer; `Infinity` when none is set. */
  nextInMs(): number {
    return (this.#timers.peek()?.due ?? Infinity) - this.#monotonic
  }

  /** Moves to the next timer and fires all that are due then, without turns of the event loop. Does nothing where none is set. */
  fireNext(): void {
    const due = this.#timers.peek()?.due
    if (due === undefined) return
    this.moveTo(due)
    for (let next = this.#timers.peek(); next !== undefined && next.due <= due; next = this.#timers.peek()) {
      this.#timers.shift()
      next.callback()
    }
  }

  /** Lets `ms` pass: fires what comes due, each at its own instant, with turns of the event loop in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms
    await turns()
    while (this.#monotonic + this.nextInMs() <= end) {
      this.fireNext()
      await turns()
    }
    this.moveTo(end)
    await turns()
  }

  /** Moves both clocks to a monotonic time and fires nothing. A time that has passed changes nothing. */
  moveTo(monotonic: number): void {
    const ms = Math.max(0, monotonic - this.#monotonic)
    this.#monotonic += ms
    this.#wall += ms
  }

  /** Moves one clock alone and fires nothing: a wall clock that was set, a machine that slept. */
  jump(which: 'wall' | 'monotonic', ms: number): void {
    if (which === 'wall') this.#wall += ms
    else this.#monotonic += ms
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < turnsPerInstant; turn++) await realTurn()
}
