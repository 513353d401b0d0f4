import { expect, test } from 'vitest'
import { backOffMs } from './back-off.ts'

test('backing off doubles up to a bound', () => {
  const waits = [1, 2, 3, 4, 5].map((attempt) => backOffMs(attempt, () => 0.999999, { firstMs: 100, maxMs: 1_000 }))
  expect(waits.map(Math.round)).toEqual([100, 200, 400, 800, 1_000])
  expect(backOffMs(10_000, () => 0.5)).toBe(7_500)
})

test('backing off leaves the upper half to chance', () => {
  expect(backOffMs(1, () => 0, { firstMs: 100 })).toBe(50)
  expect(backOffMs(0, () => 0, { firstMs: 100 })).toBe(50)
})
