/**
 * Answers that all viewers share: asked for once at a time, and kept for a while. One that is a little too old is still given
 * where a new one takes its time, so that only the first viewer of a large table waits. Failures are not kept.
 */
import type { Clock } from '@workflow/core/adapter'

/** An answer is kept at least so many times as long as it took, or a page of a large table would be all that its store does. */
const restPerWork = 20
const keepMsMax = 60_000
/** What is no older than this is given while a new answer is being made: that begins before, wherever somebody looks all the time. */
const oldMsMax = 2 * keepMsMax
/** So long a new answer is waited for, if there is an old one. */
const patienceMs = 30
/** So long one is waited for that may come later. */
const soonMs = 150

interface Question {
  answer: { readonly value: unknown; readonly at: number; readonly until: number } | undefined
  asking: Promise<unknown> | undefined
}

export class KeptAnswers {
  readonly #clock: Clock
  readonly #questions = new Map<string, Question>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * The answer to `key`: not older than `keepMs`, or than twenty times what it took, or, while it is asked for anew, than two
   * minutes. `whole`: whether nothing was left out; else it is kept for `keepMs` only, whatever it took.
   */
  async of<T>(key: string, keepMs: number, ask: () => Promise<T>, whole: (answer: T) => boolean = () => true): Promise<T> {
    const question = this.#questions.get(key) ?? { answer: undefined, asking: undefined }
    this.#questions.set(key, question)
    const now = this.#clock.monotonic()
    const { answer } = question
    // The casts hold because a key always stands for one question.
    if (answer !== undefined && now < answer.until) return answer.value as T
    const asking = (question.asking ??= this.#asked(question, keepMs, ask, whole)) as Promise<T>
    if (answer === undefined || now - answer.at > oldMsMax) return await asking
    const old = Promise.withResolvers<T>()
    using _timer = this.#clock.setTimer(patienceMs, () => old.resolve(answer.value as T))
    return await Promise.race([asking, old.promise])
  }

  /** The answer as by `of`, if it is there soon; else it is made all the same, for whoever asks later. Rejects where it soon fails. */
  async soon<T>(key: string, keepMs: number, ask: () => Promise<T>): Promise<T | undefined> {
    const answer = this.of(key, keepMs, ask)
    // Whoever asks next hears of a failure that comes too late for this one.
    answer.catch(() => undefined)
    const none = Promise.withResolvers<undefined>()
    using _timer = this.#clock.setTimer(soonMs, () => none.resolve(undefined))
    return await Promise.race([answer, none.promise])
  }

  async #asked<T>(question: Question, keepMs: number, ask: () => Promise<T>, whole: (answer: T) => boolean): Promise<T> {
    const startedAt = this.#clock.monotonic()
    try {
      const value = await ask()
      const at = this.#clock.monotonic()
      const rest = whole(value) ? Math.min((at - startedAt) * restPerWork, keepMsMax) : 0
      question.answer = { value, at, until: at + Math.max(keepMs, rest) }
      return value
    } finally {
      question.asking = undefined
    }
  }
}
