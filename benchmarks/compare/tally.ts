/** Counts what a contender does, and remembers when: what was measured, and whether it was right. */
import type { Witness } from './contender.ts'

const stepsPerRun = 3

/** What was wrong, in numbers: all 0 is right. */
export interface Faults {
  /** Steps of completed runs whose handler was never called. */
  readonly missed: number
  /** Calls beyond one per step. */
  readonly repeated: number
}

export class Tally implements Witness {
  #calls = new Uint8Array(1_024 * stepsPerRun)
  #runs = 0
  #completed = 0
  readonly #waiting = new Map<number, () => void>()
  #error: unknown
  /** Called at each completion, and at a failure. */
  onChange: () => void = () => undefined

  /** The numbers of so many new runs. */
  take(runs: number): readonly number[] {
    const first = this.#runs
    this.#runs += runs
    if (this.#runs * stepsPerRun > this.#calls.length) {
      const larger = new Uint8Array(this.#runs * stepsPerRun * 2)
      larger.set(this.#calls)
      this.#calls = larger
    }
    return Array.from({ length: runs }, (_, i) => first + i)
  }

  /** Calls back when this run completes. */
  onCompleted(n: number, call: () => void): void {
    this.#waiting.set(n, call)
  }

  get runs(): number {
    return this.#runs
  }

  get total(): number {
    return this.#completed
  }

  /** What has failed, if anything has. */
  get error(): unknown {
    return this.#error
  }

  stepped(n: number, step: number): void {
    const at = n * stepsPerRun + step
    // A count that would not fit says no more than the largest that does.
    this.#calls[at] = Math.min(255, (this.#calls[at] ?? 0) + 1)
  }

  completed(n?: number): void {
    this.#completed++
    if (n !== undefined) {
      const call = this.#waiting.get(n)
      this.#waiting.delete(n)
      call?.()
    }
    this.onChange()
  }

  failed(error: unknown): void {
    this.#error ??= error ?? new Error('it failed without saying why')
    this.onChange()
  }

  /** To be asked when nothing is in flight any more. */
  faults(): Faults {
    let missed = 0
    let repeated = 0
    for (let at = 0; at < this.#runs * stepsPerRun; at++) {
      const calls = this.#calls[at] ?? 0
      if (calls === 0) missed++
      else repeated += calls - 1
    }
    return { missed, repeated }
  }
}
