/**
 * An answer of a database or broker that scrapes share: asked for once at a time, kept for a while, and never waited for
 * longer than the scrape may take. One that is late is there for the next scrape.
 */
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'

export interface PolledAnswerOptions<T> {
  readonly ask: () => Promise<T>
  readonly clock: Clock
  /** How long an answer, or a failure, is not asked for again; one that took long, longer; 0 = always ask. */
  readonly keepMs: number
  /** How long one is waited for, over all scrapes. */
  readonly timeoutMs: number
  readonly logger: Logger
  /** Of the log line about a failure. */
  readonly fields: Readonly<Record<string, string>>
}

/** An answer is kept so many times as long as it took, or scrapes of a large table would be all that its database does. */
const restPerWork = 20

export class PolledAnswer<T> {
  readonly #options: PolledAnswerOptions<T>
  #answer: { readonly value: T } | undefined
  #keptUntil = Number.NEGATIVE_INFINITY
  #pending: Promise<void> | undefined
  #askedAt = 0
  #failing = false

  constructor(options: PolledAnswerOptions<T>) {
    this.#options = options
  }

  /** The answer, or undefined if there is none by `deadline`, on the monotonic clock. Never rejects. */
  async by(deadline: number): Promise<{ readonly value: T } | undefined> {
    const { clock, timeoutMs } = this.#options
    const now = clock.monotonic()
    if (now < this.#keptUntil) return this.#answer
    // One that hangs is neither asked again nor waited for again, so that it takes no time of the other questions.
    const until = Math.min(deadline, this.#pending === undefined ? deadline : this.#askedAt + timeoutMs)
    if (now >= until) return undefined
    this.#pending ??= this.#ask()
    if (await this.#within(until - now, this.#pending)) return this.#answer
    this.#complain({ timeoutMs: until - now })
    return undefined
  }

  async #ask(): Promise<void> {
    const { ask, clock, keepMs } = this.#options
    let restMs = 0
    this.#askedAt = clock.monotonic()
    try {
      this.#answer = { value: await ask() }
      if (keepMs > 0) restMs = (clock.monotonic() - this.#askedAt) * restPerWork
      this.#failing = false
    } catch (error) {
      this.#answer = undefined
      this.#complain({ error })
    } finally {
      this.#keptUntil = clock.monotonic() + Math.max(keepMs, restMs)
      this.#pending = undefined
    }
  }

  /** Once, until there is an answer again. */
  #complain(about: object): void {
    const { logger, fields } = this.#options
    if (!this.#failing)
      logger.warn({ ...fields, ...about }, 'a question about a workflow has no answer: metrics are missing until there is one')
    this.#failing = true
  }

  /** Whether `work`, which never rejects, ends within this time. */
  async #within(timeoutMs: number, work: Promise<void>): Promise<boolean> {
    const late = Promise.withResolvers<boolean>()
    using _timer = this.#options.clock.setTimer(timeoutMs, () => late.resolve(false))
    return await Promise.race([work.then(() => true), late.promise])
  }
}
