/** So many runs at least, and twice as many at most, are known at a time. */
const generationSize = 16_384

/**
 * The seqs of runs that were written lately, so that their next change needs not ask for one: a RETURNING clause costs
 * as much as the update itself. Only ever a guess: whoever uses one names the run id beside it.
 */
export class KnownSeqs {
  #young = new Map<string, number>()
  #old = new Map<string, number>()

  get(runId: string): number | undefined {
    return this.#young.get(runId) ?? this.#old.get(runId)
  }

  set(runId: string, seq: number): void {
    if (this.#young.size >= generationSize) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(runId, seq)
  }
}
