import type { Contender, Facts, Witness } from '../contender.ts'
import { queuedFacts, openDbos } from './dbos.ts'

export const facts: Facts = queuedFacts

/** Opens it on an empty database. */
export function open(url: string, witness: Witness): Promise<Contender> {
  return openDbos(url, witness, true)
}
