import { type AnyContract, isWorkflowError, type Workflow } from '@workflow/core'
import { setTimeout as sleep } from 'node:timers/promises'

const againMs = 100

/** Runs a workflow, and tries again while a server is away. Resolves when it runs, or has been stopped. */
export async function patientRun<C extends AnyContract>(workflow: Workflow<C>): Promise<void> {
  for (;;) {
    try {
      return await workflow.run()
    } catch (error) {
      if (isWorkflowError(error, 'Stopped')) return
      if (!isWorkflowError(error) || !error.retryable) throw error
      await sleep(againMs)
    }
  }
}
