import { StoreUnavailable } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'

/** Bounds how long a caller waits for a store that does not answer. */
export class StoreLimit {
  readonly #clock: Clock
  readonly #timeoutMs: number
  /** Calls in hand, in the order in which their time runs out: one timer serves all of them. */
  readonly #calls = new Set<Call>()
  #timer: Disposable | undefined

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /**
   * Runs `work` with a signal that aborts with `StoreUnavailable` when the time is over; then nobody waits for it any more.
   * `who` is to blame then.
   */
  run<T>(work: (signal: AbortSignal) => Promise<T>, who: 'store' | 'stream' = 'store'): Promise<T> {
    return new Promise((resolve, reject) => {
      const controller = new AbortController()
      // First: what throws at once leaves no call behind.
      const working = work(controller.signal)
      const call = { until: this.#clock.monotonic() + this.#timeoutMs, who, controller, reject }
      this.#calls.add(call)
      this.#timer ??= this.#arm(this.#timeoutMs)
      working.then(
        (result) => {
          this.#end(call)
          resolve(result)
        },
        (error: unknown) => {
          this.#end(call)
          reject(error)
        },
      )
    })
  }

  #end(call: Call): void {
    this.#calls.delete(call)
    if (this.#calls.size > 0) return
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  #arm(ms: number): Disposable {
    return this.#clock.setTimer(ms, () => {
      this.#timer = undefined
      const now = this.#clock.monotonic()
      for (const call of this.#calls) {
        if (call.until > now) {
          this.#timer = this.#arm(call.until - now)
          return
        }
        const failure = failures.get(call.controller.signal)
        const why = failure === undefined ? 'did not answer' : `failed again and again (${messageOf(failure.error)}) and did not answer`
        const error = new StoreUnavailable(
          `the ${call.who} ${why} within ${this.#timeoutMs} ms; whether the call took effect is unknown: look, and try again`,
          failure === undefined ? undefined : { cause: failure.error },
        )
        this.#calls.delete(call)
        call.controller.abort(error)
        call.reject(error)
      }
    })
  }
}

/** Why the work under a signal had to be tried again, lately: what its caller is told if the time runs out meanwhile. */
const failures = new WeakMap<AbortSignal, { readonly error: unknown }>()

export function noteFailure(signal: AbortSignal, error: unknown): void {
  failures.set(signal, { error })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

interface Call {
  readonly who: 'store' | 'stream'
  readonly until: number
  readonly controller: AbortController
  readonly reject: (error: unknown) => void
}
