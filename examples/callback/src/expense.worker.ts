import { expenses } from './expense.contract.ts'

/** Up to here nobody needs to be asked. */
const pettyCashCents = 5_000

export const expenseDefinition = expenses
  .addStep('submitted', async (run) => (run.object.cents <= pettyCashCents ? 'paid' : 'awaiting-decision'))
  // Runs in the worker, like a step: with retries, and after a crash again.
  .addCallback('awaiting-decision', async (run, { approved, by }) => {
    run.object.decidedBy = by
    return approved ? 'paid' : 'declined'
  })
