import { DeadlineExceeded } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'

/** One handler at work. It can be given up at any moment: then its result no longer counts. */
export class Execution {
  readonly slot: number
  readonly deadlineMs: number
  readonly startedAt: number
  #controller: AbortController | undefined
  #reason: unknown
  #over = false
  #failed: ((error: unknown) => void) | undefined

  constructor(slot: number, deadlineMs: number, startedAt: number) {
    this.slot = slot
    this.deadlineMs = deadlineMs
    this.startedAt = startedAt
  }

  /** Made only when a handler asks for it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#over && this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  get over(): boolean {
    return this.#over
  }

  /**
   * Runs the handler, and calls back once: with what it returned, or with its error or the reason of `abort`, whichever
   * comes first; what comes later is dropped. Callbacks, because this runs for every transition; they must not throw.
   */
  run<A, T>(handler: (argument: A) => Promise<T>, argument: A, returned: (value: T) => void, failed: (error: unknown) => void): void {
    this.#failed = failed
    let work: Promise<T>
    try {
      work = handler(argument)
      // From JavaScript a handler may return anything; a promise of our own makes a thenable settle once, and for good.
      if (!(work instanceof Promise)) work = Promise.resolve(work)
    } catch (error) {
      this.#over = true
      return failed(error)
    }
    work.then(
      (value) => {
        if (this.#over) return
        this.#over = true
        returned(value)
      },
      (error: unknown) => {
        if (this.#over) return
        this.#over = true
        failed(error)
      },
    )
  }

  /** Tells the handler to stop and stops waiting for it. */
  abort(reason: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#reason = reason
    this.#controller?.abort(reason)
    this.#failed?.(reason)
  }
}

/** All handlers at work in one worker, with their deadlines. */
export class Executions {
  readonly #clock: Clock
  readonly #running = new Set<Execution>()
  /** Started since the last look: most are over before a deadline needs a timer. */
  #fresh: Execution[] = []
  #looking = false
  #timer: Disposable | undefined
  #timerAt = Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#running.size
  }

  start(slot: number, deadlineMs: number, now: number = this.#clock.monotonic()): Execution {
    const execution = new Execution(slot, deadlineMs, now)
    this.#running.add(execution)
    if (deadlineMs !== Infinity) {
      this.#fresh.push(execution)
      if (this.#looking) return execution
      this.#looking = true
      this.#clock.setImmediate(() => this.#watch())
    }
    return execution
  }

  /** Runs something of the user's that is no handler: under a deadline, too, and no longer than its slot is ours. */
  async within<T>(slot: number, deadlineMs: number, work: () => Promise<T>): Promise<T> {
    const execution = this.start(slot, deadlineMs)
    try {
      return await new Promise((resolve, reject) => execution.run(work, undefined, resolve, reject))
    } finally {
      this.end(execution)
    }
  }

  end(execution: Execution): void {
    this.#running.delete(execution)
    if (this.#running.size === 0) this.#disarm()
  }

  /** Gives up those of one slot, or all. */
  abort(reason: unknown, slot?: number): void {
    for (const execution of this.#running) {
      if (slot === undefined || execution.slot === slot) execution.abort(reason)
    }
  }

  #watch(): void {
    this.#looking = false
    const fresh = this.#fresh
    this.#fresh = []
    for (const execution of fresh) {
      if (!execution.over) this.#arm(execution.startedAt + execution.deadlineMs)
    }
  }

  #arm(at: number): void {
    if (at >= this.#timerAt) return
    this.#timer?.[Symbol.dispose]()
    this.#timerAt = at
    this.#timer = this.#clock.setTimer(Math.max(0, at - this.#clock.monotonic()), () => this.#expire())
  }

  #disarm(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#timerAt = Infinity
  }

  #expire(): void {
    this.#disarm()
    const now = this.#clock.monotonic()
    let next = Infinity
    for (const execution of this.#running) {
      const at = execution.startedAt + execution.deadlineMs
      if (at <= now)
        execution.abort(
          new DeadlineExceeded(`the handler did not finish within ${execution.deadlineMs} ms; raise \`deadline\`, or heed run.signal`),
        )
      else next = Math.min(next, at)
    }
    if (next !== Infinity) this.#arm(next)
  }
}
