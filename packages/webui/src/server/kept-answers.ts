/** Answers that all viewers share: asked for once at a time, and kept for a while. Failures are not kept. */
import type { Clock } from '@workflow/core/adapter'

/** An answer is kept at least so many times as long as it took, or a page of a large table would be all that its store does. */
const restPerWork = 20

interface Kept {
  readonly answer: Promise<unknown>
  /** Infinity while it is being asked for. */
  until: number
}

export class KeptAnswers {
  readonly #clock: Clock
  readonly #kept = new Map<string, Kept>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The answer to `key`, not older than `keepMs`, or than twenty times what it took. */
  of<T>(key: string, keepMs: number, ask: () => Promise<T>): Promise<T> {
    const startedAt = this.#clock.monotonic()
    const known = this.#kept.get(key)
    // The cast holds because a key always stands for one question.
    if (known !== undefined && startedAt < known.until) return known.answer as Promise<T>
    const answer = ask()
    const kept: Kept = { answer, until: Number.POSITIVE_INFINITY }
    this.#kept.set(key, kept)
    answer.then(
      () => {
        const now = this.#clock.monotonic()
        kept.until = now + Math.max(keepMs, (now - startedAt) * restPerWork)
      },
      () => {
        if (this.#kept.get(key) === kept) this.#kept.delete(key)
      },
    )
    return answer
  }
}
