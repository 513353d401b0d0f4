/** A number at least 0 and below 1, like `Math.random`; seeded in tests. */
export type Random = () => number
