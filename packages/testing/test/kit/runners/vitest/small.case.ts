import { testKit } from '@workflow/testing'
import { expect, test } from 'vitest'
import { expenseDefinition } from '../expenses.ts'

test('small expenses are paid at once', async () => {
  await using kit = testKit(expenseDefinition)
  await kit.trigger('e1', { initialValue: { cents: 100 } })
  expect(await kit.require('e1', 'paid', { cents: 100 })).toMatchObject({ version: 2 })
  expect(await kit.historySnapshot('e1')).toMatchSnapshot()
})
