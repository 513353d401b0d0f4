/**
 * Answers that all viewers share: asked for once at a time, and kept for a while. One that is a little too old is still given
 * where a new one takes its time, so that only the first viewer of a large table waits.
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

/** A failure that came when nobody waited any more is told for as long as it took to come, but no longer than this. */
const failureMsMax = 10_000

interface Question {
  answer: { readonly value: unknown; readonly at: number; readonly until: number } | undefined
  failure: { readonly error: unknown; readonly until: number } | undefined
  asking: Promise<unknown> | undefined
}

/** How an answer is kept. */
export interface Keeping<T> {
  /** Whether nothing was left out; else it is kept for `keepMs` only, whatever it took. @default always */
  readonly isWhole?: (answer: T) => boolean
  /** Whether an old one is given while a new one is made. @default true */
  readonly mayBeOld?: boolean
}

export class KeptAnswers {
  readonly #clock: Clock
  readonly #questions = new Map<string, Question>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * The answer to `key`: not older than `keepMs`, or than twenty times what it took, or, while it is asked for anew and if it may be
   * old, than two minutes.
   */
  async of<T>(key: string, keepMs: number, ask: () => Promise<T>, { isWhole, mayBeOld = true }: Keeping<T> = {}): Promise<T> {
    const question = this.#question(key)
    const now = this.#clock.monotonic()
    const { answer } = question
    // The casts hold because a key always stands for one question.
    if (answer !== undefined && now < answer.until) return answer.value as T
    const asking = (question.asking ??= this.#asked(question, keepMs, ask, isWhole)) as Promise<T>
    if (answer === undefined || !mayBeOld || now - answer.at > oldMsMax) return await asking
    const old = Promise.withResolvers<T>()
    using _timer = this.#clock.setTimer(patienceMs, () => old.resolve(answer.value as T))
    return await Promise.race([asking, old.promise])
  }

  /**
   * The answer as by `of`, if it is there soon; else undefined, and it is made all the same, for whoever asks later. Rejects where it
   * fails, also where it has failed since somebody else has asked.
   */
  async soon<T>(key: string, keepMs: number, ask: () => Promise<T>): Promise<T | undefined> {
    const { failure } = this.#question(key)
    if (failure !== undefined && this.#clock.monotonic() < failure.until) throw failure.error
    const answer = this.of(key, keepMs, ask)
    // It is kept for whoever asks next.
    answer.catch(() => undefined)
    const none = Promise.withResolvers<undefined>()
    using _timer = this.#clock.setTimer(soonMs, () => none.resolve(undefined))
    return await Promise.race([answer, none.promise])
  }

  #question(key: string): Question {
    const question = this.#questions.get(key) ?? { answer: undefined, failure: undefined, asking: undefined }
    this.#questions.set(key, question)
    return question
  }

  async #asked<T>(question: Question, keepMs: number, ask: () => Promise<T>, isWhole: Keeping<T>['isWhole']): Promise<T> {
    const startedAt = this.#clock.monotonic()
    try {
      const value = await ask()
      const at = this.#clock.monotonic()
      const rest = isWhole?.(value) === false ? 0 : Math.min((at - startedAt) * restPerWork, keepMsMax)
      question.answer = { value, at, until: at + Math.max(keepMs, rest) }
      question.failure = undefined
      return value
    } catch (error) {
      const at = this.#clock.monotonic()
      question.failure = { error, until: at + Math.min(at - startedAt, failureMsMax) }
      throw error
    } finally {
      question.asking = undefined
    }
  }
}
