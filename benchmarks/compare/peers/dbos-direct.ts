import type { Contender, Facts, Witness } from '../contender.ts'
import { directFacts, openDbos } from './dbos.ts'

export const facts: Facts = directFacts

/** Opens it on an empty database. */
export function open(url: string, witness: Witness): Promise<Contender> {
  return openDbos(url, witness, false)
}
