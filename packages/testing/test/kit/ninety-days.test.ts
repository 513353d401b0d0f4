import { test } from 'vitest'
import { ninetyDays } from './ninety-days.ts'

// How long it takes is measured, by benchmarks/testing.ts: here others may be at work.
test('a thousand runs of ninety days are one test among others', { timeout: 60_000 }, async () => {
  await ninetyDays(1_000)
})
