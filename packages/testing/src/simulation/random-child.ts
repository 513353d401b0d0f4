/** The workflow whose runs random workflows start and join. */
import { unchecked, workflow, type AnyContract } from '@workflow/core'
import type { LooseWorkflow, Subject } from './subject.ts'

const contract = workflow('random-child', {
  object: unchecked<{ secret: string }>(),
  graph: { begun: { step: ['half'] }, half: { step: ['finished'] }, finished: {} },
})

export const childWorkflow: AnyContract = contract

export const childSubject: Subject['others'][number] = {
  name: childWorkflow.name,
  graph: contract.graph(),
  build: (process, ports) =>
    contract
      .addStep('begun', async (run) => {
        process.world.oracle.handlers.start(process, 'step begun', run)()
        return 'half'
      })
      .addStep('half', async (run) => {
        process.world.oracle.handlers.start(process, 'step half', run)()
        return 'finished'
      })
      // The casts hold because the ports are those of a whole process, and the client is used without its types.
      .build(ports as never) as unknown as LooseWorkflow,
}
