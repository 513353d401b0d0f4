import { isWorkflowError } from '../errors.ts'
import type { Committed, Refused, Unit } from '../model/unit.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Random } from '../ports/random.ts'
import type { RecordStore } from '../ports/record-store.ts'
import type { HandOffCache } from './hand-off-cache.ts'
import { unitFields } from './log-fields.ts'
import { noteFailure } from './store-limit.ts'
import { sleep } from './waiting.ts'

const waitMsMin = 5
const waitMsMax = 1_000

/**
 * Sends units until the store has answered. An answer that is lost is asked for again with the same unit, which the
 * store recognises: so nothing commits twice, and nothing that committed is taken for refused.
 */
export class Committer {
  readonly #store: RecordStore
  readonly #clock: Clock
  readonly #random: Random
  readonly #cache: HandOffCache
  readonly #logger: Logger

  constructor(store: RecordStore, clock: Clock, random: Random, cache: HandOffCache, logger: Logger) {
    this.#store = store
    this.#clock = clock
    this.#random = random
    this.#cache = cache
    this.#logger = logger
  }

  /** Throws `signal.reason` once it aborts, and at once what sending again cannot mend; the outcome is then unknown. */
  commit(unit: Unit, signal?: AbortSignal): Promise<Committed | Refused> {
    return this.committed(unit, signal, answered, thrown)
  }

  /** The same, and goes on with the answer or the error: in one step where nothing went wrong, because every transition passes here. */
  committed<T>(
    unit: Unit,
    signal: AbortSignal | undefined,
    next: (result: Committed | Refused) => T | Promise<T>,
    failed: (error: unknown) => T | Promise<T>,
  ): Promise<T> {
    // Whoever's role is gone, or who has been stopped, writes no more.
    if (signal?.aborted === true) return Promise.reject<never>(signal.reason).catch(failed)
    return this.#store.commit(unit).then(
      (result) => (result.ok || result.reason !== 'busy' ? next(result) : this.#again(unit, signal, undefined).then(next, failed)),
      (error: unknown) => this.#again(unit, signal, { error }).then(next, failed),
    )
  }

  async #again(unit: Unit, signal: AbortSignal | undefined, first: { readonly error: unknown } | undefined): Promise<Committed | Refused> {
    let failed = first
    for (let attempt = 0; ; attempt++) {
      if (failed !== undefined) {
        const { error } = failed
        this.#cache.clear()
        if (isWorkflowError(error) && !error.retryable) throw error
        signal?.throwIfAborted()
        if (signal !== undefined) noteFailure(signal, error)
        this.#logger.warn(
          { ...unitFields(unit), sent: attempt + 1, error },
          'the outcome of a commit is unknown; sending the same unit again',
        )
      }
      const ms = Math.min(waitMsMax, waitMsMin * 2 ** Math.min(attempt, 8))
      await sleep(this.#clock, ms / 2 + (this.#random() * ms) / 2, signal)
      failed = undefined
      try {
        const result = await this.#store.commit(unit)
        if (result.ok || result.reason !== 'busy') return result
      } catch (error) {
        failed = { error }
      }
    }
  }
}

const answered = (result: Committed | Refused): Committed | Refused => result
const thrown = (error: unknown): never => {
  throw error
}
