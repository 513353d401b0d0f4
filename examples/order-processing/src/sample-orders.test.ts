import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Order, totalCentsOf } from './order.ts'
import { approvalFromCents } from './orders.worker.ts'
import { sampleOrder, sampleSize, sampleText } from './sample-orders.ts'
import { declinedCard } from './simulated-payments.ts'

test('the sample in the repository is what the generator makes', async () => {
  expect(await readFile(join(import.meta.dirname, '../sample/orders.ndjson'), 'utf8')).toBe(sampleText())
})

test('it has valid orders of every kind', () => {
  const orders = Array.from({ length: sampleSize }, (_, index) => sampleOrder(index + 1))
  for (const order of orders) expect(Order.safeParse(order).success).toBe(true)
  expect(new Set(orders.map(({ id }) => id)).size).toBe(sampleSize)
  expect(orders.filter((order) => totalCentsOf(order) >= approvalFromCents).length).toBeGreaterThan(30)
  expect(orders.filter(({ card }) => declinedCard.test(card)).length).toBeGreaterThan(30)
})
