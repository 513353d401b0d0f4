import { Stuck, testKit } from '@workflow/testing'
import { expect, test } from 'vitest'
import { expenseDefinition } from '../expenses.ts'

test('large expenses wait for two weeks', async () => {
  await using kit = testKit(expenseDefinition)
  await kit.trigger('e1', { initialValue: { cents: 100_000 } })
  expect((await kit.waitForCompletion('e1')).status).toBe('declined')
})

test('a deadlock is told', async () => {
  await using kit = testKit(expenseDefinition)
  const error: unknown = await kit.waitFor('nobody', 'paid').catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(Stuck)
})
