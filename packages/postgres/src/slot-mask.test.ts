import { expect, test } from 'vitest'
import { allSlots, isWithin, maskOf, noSlots } from './slot-mask.ts'

test('a set of slots is a number of 64 bits with a sign, as the server takes it', () => {
  expect(maskOf([])).toBe(noSlots)
  expect(maskOf([0, 2])).toBe(5n)
  expect(maskOf([63])).toBe(-(2n ** 63n))
  expect(maskOf(Array.from({ length: 64 }, (_, slot) => slot))).toBe(allSlots)
})

test('slots that are 64 apart share a bit', () => {
  expect(maskOf([69])).toBe(maskOf([5]))
})

test('a set is within another that has all of it', () => {
  expect(isWithin(maskOf([1]), maskOf([1, 63]))).toBe(true)
  expect(isWithin(maskOf([1, 63]), maskOf([1]))).toBe(false)
  expect(isWithin(maskOf([1, 63]), allSlots)).toBe(true)
  expect(isWithin(allSlots, maskOf([1, 63]))).toBe(false)
  expect(isWithin(noSlots, noSlots)).toBe(true)
})
