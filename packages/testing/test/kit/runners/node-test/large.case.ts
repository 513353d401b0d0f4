import { equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { testKit } from '@workflow/testing'
import { expenseDefinition } from '../expenses.ts'

void test('large expenses wait for two weeks', async () => {
  await using kit = testKit(expenseDefinition)
  await kit.trigger('e1', { initialValue: { cents: 100_000 } })
  equal((await kit.waitForCompletion('e1')).status, 'declined')
})

void test('a deadlock is told', async () => {
  await using kit = testKit(expenseDefinition)
  await rejects(kit.waitFor('nobody', 'paid'), { name: 'Stuck', reason: 'deadlock' })
})
