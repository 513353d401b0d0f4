/** The middle of measured values, and their extremes. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Throws for no values: nothing measured is an error, not a zero. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return { median: percentile(sorted, 50), min: percentile(sorted, 0), max: percentile(sorted, 100) }
}

/** By the nearest rank, of values in ascending order. */
export function percentile(sorted: readonly number[], percent: number): number {
  const value = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]
  if (value === undefined) throw new Error('there are no values')
  return value
}
