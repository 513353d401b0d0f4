/** The workflow whose runs random workflows start and join. */
import { unchecked, workflow, type AnyContract } from '@workflow/core'
import type { LooseDefinition } from '../../../src/simulation/subject.ts'

const contract = workflow('random-child', {
  object: unchecked<{ secret: string }>(),
  graph: { begun: { step: ['half'] }, half: { step: ['finished'] }, finished: {} },
})

export const childContract: AnyContract = contract

// The cast holds because the simulation gives every port that a definition may ask for.
export const childDefinition = contract
  .addStep('begun', async () => 'half')
  .addStep('half', async () => 'finished') as unknown as LooseDefinition
