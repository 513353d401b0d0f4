import { isWorkflowError } from '@workflow/core'
import { memory } from '@workflow/core/memory'
import { expenses } from './expense.contract.ts'
import { expenseDefinition } from './expense.worker.ts'

const infrastructure = memory()
await using worker = expenseDefinition.build(infrastructure)
await worker.run()

// Whoever calls back needs the contract and the store, no handlers: a web server, a script, another team's process.
const caller = expenses.client(infrastructure)
const runId = await caller.trigger('expense-1', { initialValue: { purpose: 'Train to Lisbon', cents: 18_900 } })
await caller.await(runId, 'awaiting-decision')
console.log('expense-1 waits for a decision')

// A payload that does not fit is refused before anything is stored.
await caller.callback({ runId }, 'awaiting-decision', { approved: true, by: '' }).catch((error: unknown) => {
  console.log(`refused: ${isWorkflowError(error) ? error.code : String(error)}`)
})

// `wait`: resolves once the worker has handled it. The same `key` again would change nothing.
const decided = await caller.callback({ runId }, 'awaiting-decision', { approved: true, by: 'Grace' }, { wait: true, key: 'decision-1' })
console.log(`expense-1 is ${decided.status}, decided by ${decided.object.decidedBy}`)

// Too late: the run no longer waits, and says so.
await caller.callback({ runId }, 'awaiting-decision', { approved: false, by: 'Linus' }).catch((error: unknown) => {
  console.log(`refused: ${isWorkflowError(error) ? error.code : String(error)}`)
})
