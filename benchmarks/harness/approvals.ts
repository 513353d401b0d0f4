/** Runs that wait: for a callback, and for a timer that is far away. */
import {
  after,
  type Contract,
  type Schema,
  type TimeoutStore,
  unchecked,
  type WorkerInfrastructure,
  workflow,
  type Workflow,
} from '@workflow/core'

interface Approval {
  id: string
}

const graph = {
  requested: { step: ['waiting'] },
  waiting: { callback: ['approved'], timeout: ['expired'] },
  approved: {},
  expired: {},
} as const

export type Approvals = Contract<'approvals', Schema<Approval>, typeof graph>
export const approvals: Approvals = workflow('approvals', { object: unchecked<Approval>(), graph })

/** `stepped` is told of every run whose first step is called. */
export function approvalsWorkflow(
  infrastructure: WorkerInfrastructure & { readonly timeoutStore: TimeoutStore },
  stepped: () => void,
): Workflow<Approvals> {
  return approvals
    .addStep('requested', async () => {
      stepped()
      return 'waiting'
    })
    .addCallback('waiting', async () => 'approved')
    .addTimeout('waiting', after('30d'), async () => 'expired')
    .build(infrastructure)
}
