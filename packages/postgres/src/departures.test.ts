import { expect, test } from 'vitest'
import { Departures } from './departures.ts'

test('a batch leaves at once where no other is on the way, however soon after the last one', () => {
  const departures = new Departures()
  departures.left(100)
  expect(departures.inMs(1, 0, 100)).toBeLessThanOrEqual(0)
})

test('beside another one a small batch waits for two milliseconds since that left, and no longer', () => {
  const departures = new Departures()
  expect(departures.inMs(1, 1, 5)).toBeLessThanOrEqual(0)
  departures.left(100)
  expect(departures.inMs(1, 1, 100)).toBe(2)
  expect(departures.inMs(63, 3, 101.5)).toBe(0.5)
  expect(departures.inMs(1, 3, 102)).toBe(0)
  expect(departures.inMs(1, 3, 5_000)).toBeLessThan(0)
})

test('a large one does not wait', () => {
  const departures = new Departures()
  departures.left(100)
  expect(departures.inMs(64, 3, 100)).toBe(0)
})
