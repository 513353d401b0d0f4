import type { Random } from '../ports/random.ts'

/** Chance as the runtime has it. Good for jitter and ids, not for secrets. */
export const systemRandom: Random = () => Math.random()
