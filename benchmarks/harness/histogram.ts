/** Durations in buckets that are 2 % wide, so that a long measurement takes no more memory than a short one. */
const finestMs = 0.01
const width = 1.02
const buckets = 1_200

export class Histogram {
  readonly #counts = new Float64Array(buckets)
  #total = 0
  #max = 0

  add(ms: number): void {
    const at = ms <= finestMs ? 0 : Math.ceil(Math.log(ms / finestMs) / Math.log(width))
    const bucket = Math.min(at, buckets - 1)
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#total += 1
    this.#max = Math.max(this.#max, ms)
  }

  get total(): number {
    return this.#total
  }

  get max(): number {
    return this.#max
  }

  /** By the nearest rank, rounded up to the end of its bucket. Throws for no values. */
  percentile(percent: number): number {
    if (this.#total === 0) throw new Error('there are no values')
    const rank = Math.max(1, Math.ceil((percent / 100) * this.#total))
    let seen = 0
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count
      if (seen >= rank) return Math.min(this.#max, finestMs * width ** bucket)
    }
    return this.#max
  }
}
