import { deepStrictEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { testKit } from '@workflow/testing'
import { expenseDefinition } from '../expenses.ts'

void test('small expenses are paid at once', async () => {
  await using kit = testKit(expenseDefinition)
  await kit.trigger('e1', { initialValue: { cents: 100 } })
  await kit.require('e1', 'paid', { cents: 100 })
  deepStrictEqual(
    (await kit.historySnapshot('e1')).map(({ to, at }) => `${to} ${at}`),
    ['submitted start', 'paid start'],
  )
})
