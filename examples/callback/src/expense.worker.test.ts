import { testingRun, testKit } from '@workflow/testing'
import { expect, test } from 'vitest'
import { expenses } from './expense.contract.ts'
import { expenseDefinition } from './expense.worker.ts'

test('petty cash is paid without asking anybody', async () => {
  await using kit = testKit(expenseDefinition)
  await kit.trigger('e1', { initialValue: { purpose: 'Tea', cents: 5_000 } })
  await kit.require('e1', 'paid', { purpose: 'Tea', cents: 5_000 })
})

test.each([
  [true, 'paid'],
  [false, 'declined'],
] as const)('a decision of %s means %s, with the name of who made it', async (approved, status) => {
  await using kit = testKit(expenseDefinition)
  await kit.trigger('e1', { initialValue: { purpose: 'Train to Lisbon', cents: 18_900 } })
  const run = await kit.triggerCallbackOn('e1', 'awaiting-decision', { approved, by: 'Grace' })
  expect(run).toMatchObject({ status, object: { decidedBy: 'Grace' } })
})

test('a decision of nobody is refused, and the run goes on waiting', async () => {
  await using kit = testKit(expenseDefinition)
  await kit.trigger('e1', { initialValue: { purpose: 'Train to Lisbon', cents: 18_900 } })
  await expect(kit.triggerCallbackOn('e1', 'awaiting-decision', { approved: true, by: '' })).rejects.toMatchObject({ code: 'Validation' })
  expect((await kit.run('e1')).status).toBe('awaiting-decision')
})

test('an expense must cost something', () => {
  expect(() => testingRun(expenses, 'submitted', { object: { purpose: 'Air', cents: 0 } })).toThrow('does not fit its schema')
})
