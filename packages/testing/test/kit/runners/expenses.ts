/** What the tests of each runner run: small, with a path that none of them takes. */
import { after, unchecked, workflow } from '@workflow/core'

const expenses = workflow('expense', {
  object: unchecked<{ cents: number }>(),
  graph: {
    submitted: { step: ['paid', 'asking'] },
    asking: { callback: ['paid', 'declined'], timeout: ['declined'] },
    paid: {},
    declined: {},
  },
})

export const expenseDefinition = expenses
  .addStep('submitted', async (run) => (run.object.cents < 5_000 ? 'paid' : 'asking'))
  .addCallback('asking', async () => 'paid')
  .addTimeout('asking', after('14d'), async () => 'declined')
