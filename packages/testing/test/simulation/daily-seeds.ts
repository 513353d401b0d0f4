/** How many seeds are fresh every day. */
const seedsPerDay = 5_000
const dayMs = 24 * 3_600_000
/** Far from the small numbers that people try. */
const first = 10_000_000

/** The seeds of a day: others every day, the same all over the world. */
export function dailySeeds(now: Date): { readonly from: number; readonly seeds: number } {
  return { from: first + Math.floor(now.getTime() / dayMs) * seedsPerDay, seeds: seedsPerDay }
}
