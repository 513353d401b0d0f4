import { expect, test } from 'vitest'
import { Histogram } from './histogram.ts'

test('percentiles are right within two per cent, and never beyond the largest value', () => {
  const histogram = new Histogram()
  for (let i = 1; i <= 1_000; i++) histogram.add(i / 10)
  for (const percent of [1, 50, 99]) {
    expect(histogram.percentile(percent)).toBeGreaterThanOrEqual(percent - 0.001)
    expect(histogram.percentile(percent)).toBeLessThanOrEqual(percent * 1.021)
  }
  expect([histogram.total, histogram.max, histogram.percentile(100)]).toEqual([1_000, 100, 100])
})

test('values beyond either end are counted', () => {
  const histogram = new Histogram()
  histogram.add(0)
  histogram.add(1e12)
  expect([histogram.percentile(50), histogram.max]).toEqual([0.01, 1e12])
})

test('nothing measured is an error', () => {
  expect(() => new Histogram().percentile(50)).toThrow('there are no values')
})
