/**
 * Handlers that fail every time. What a handler throws is seen at once. What only the engine knows to be a failure, an
 * answer that it refuses, an object that cannot be stored, a deadline that has passed, is seen in what it writes down.
 */
import { type AttemptNote, type Change, isFinished } from '@workflow/core/adapter'
import { isExitKind } from './coverage/coverage.ts'

/** A handler that has failed every time since it last succeeded for a run. */
export interface Failing {
  readonly handler: string
  readonly count: number
  /** What it has thrown; absent where the engine has refused what it did. */
  readonly error?: unknown
}

export class Failures {
  readonly #thrown = new Map<string, Failing>()
  readonly #refused = new Map<string, Failing>()
  /** The handler that was called last, by run. */
  readonly #last = new Map<string, string>()

  called(runId: string, handler: string): void {
    this.#last.set(runId, handler)
  }

  threw(runId: string, handler: string, error: unknown): void {
    this.#add(this.#thrown, runId, { handler, error })
  }

  /** It may still be that the engine refuses the answer. */
  returned(runId: string, handler: string): void {
    if (this.#thrown.get(runId)?.handler === handler) this.#thrown.delete(runId)
  }

  /** An attempt has ended without a new version of the run. */
  noted({ runId, kind }: AttemptNote): void {
    if (kind === 'failed') this.#refuse(runId)
    else if (kind === 'skipped') this.#refused.delete(runId)
  }

  /** A run has a new version. */
  committed({ next, history }: Change): void {
    if (history.error !== undefined && next.runState === 'Paused') this.#refuse(next.runId)
    else if (isExitKind(history.by) || isFinished(next.runState)) this.#refused.delete(next.runId)
  }

  /** The handler that has failed the most often in a row for a run. */
  of(runId: string): Failing | undefined {
    const [thrown, refused] = [this.#thrown.get(runId), this.#refused.get(runId)]
    return refused !== undefined && refused.count > (thrown?.count ?? 0) ? refused : thrown
  }

  #refuse(runId: string): void {
    this.#add(this.#refused, runId, { handler: this.#last.get(runId) ?? 'handler' })
  }

  #add(failing: Map<string, Failing>, runId: string, { handler, ...failure }: Omit<Failing, 'count'>): void {
    const known = failing.get(runId)
    failing.set(runId, { handler, count: known?.handler === handler ? known.count + 1 : 1, ...failure })
  }
}
