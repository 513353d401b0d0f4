import type { Contender, Facts, Witness } from '../contender.ts'
import { batchedFacts, openBoss } from './boss.ts'

export const facts: Facts = batchedFacts

/** Opens it on an empty database. */
export function open(url: string, witness: Witness): Promise<Contender> {
  return openBoss(url, witness, true)
}
