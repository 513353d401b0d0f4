/**
 * When batches leave. Half the processor time of a commit is that of its batch, so many small ones beside each other hold each other
 * up: what comes while one is on the way waits a moment for company.
 */

/** So many units are company enough. */
const enough = 64
/** So long after another one a batch leaves however small it is, because the other may be held up. */
const besideMs = 2

export class Departures {
  #lastMs = -Infinity

  /** In how many ms a batch of so many units may leave, while so many others are on the way; 0 or less: now. */
  inMs(units: number, underWay: number, nowMs: number): number {
    return underWay === 0 || units >= enough ? 0 : this.#lastMs + besideMs - nowMs
  }

  left(nowMs: number): void {
    this.#lastMs = nowMs
  }
}
