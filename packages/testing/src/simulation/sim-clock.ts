/** The clocks of one process: they run a little fast or slow, the wall clock may be wrong, and timers may be late. */
import type { Clock } from '@workflow/core/adapter'
import type { SimProcess } from './sim-process.ts'

export class SimClock implements Clock {
  readonly #process: SimProcess
  /** Its microseconds per real one. */
  readonly #rate: number
  readonly #startUs: number
  #wallMs: number
  #latestMs = 0

  constructor(process: SimProcess, wallMs: number, rate: number) {
    this.#process = process
    this.#rate = rate
    this.#startUs = process.world.timeline.us
    this.#wallMs = wallMs
  }

  readonly now = (): number => Math.floor(this.#wallMs + this.#passedMs())

  readonly monotonic = (): number => Math.floor(this.#passedMs())

  readonly setTimer = (afterMs: number, callback: () => void): Disposable => {
    const { world } = this.#process
    const late = world.faults.at('timer')
    // Up: a timer is never early. One millisecond more, because both readings of a clock are cut to whole ones.
    const us = Math.ceil((Math.max(0, afterMs) * 1_000) / this.#rate) + 1_000 + (late === undefined ? 0 : late.ms * 1_000)
    return this.#disposable(us, 'timer', callback)
  }

  readonly setImmediate = (callback: () => void): Disposable => this.#disposable(this.#process.world.dice.below(60), 'turn', callback)

  /** The latest time that it has ever shown. */
  get latest(): number {
    return Math.max(this.#latestMs, this.now())
  }

  /** Sets the wall clock, as an operator or NTP does. */
  jump(ms: number): void {
    this.#latestMs = this.latest
    this.#wallMs += ms
  }

  #passedMs(): number {
    return ((this.#process.world.timeline.us - this.#startUs) * this.#rate) / 1_000
  }

  #disposable(us: number, kind: 'timer' | 'turn', callback: () => void): Disposable {
    const planned = this.#process.plan(us, kind, callback)
    return {
      [Symbol.dispose]: () => {
        planned.event.run = undefined
      },
    }
  }
}
