import { testKit } from '@workflow/testing'
import { test } from 'node:test'
import { expenseDefinition } from '../expenses.ts'

void test('this test waits for what never comes', async () => {
  await using kit = testKit(expenseDefinition, { steps: { submitted: 'asking' }, timeouts: { asking: async (run) => run.skip() } })
  await kit.trigger('e1', { initialValue: { cents: 1 } })
  await kit.waitFor('e1', 'paid')
})
