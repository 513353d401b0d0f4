import { expect, test } from 'vitest'
import { isWorkflowError } from './errors.ts'
import { after, at, expiryMs, isTimerValue } from './timer-value.ts'

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (isWorkflowError(error, 'InvalidArgument')) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

test('a timer after a duration counts from its base, one at a date does not', () => {
  expect(expiryMs(after('90s'), 1_000)).toBe(91_000)
  expect(expiryMs(at(new Date(5)), 1_000)).toBe(5)
})

test('a timer keeps its date when the caller changes his', () => {
  const date = new Date(5)
  const timer = at(date)
  date.setTime(6)
  expect(expiryMs(timer, 0)).toBe(5)
})

test.each(['1 hour', '-1s', '', 'NaNs', '101000d', 5])('after(%j) is refused', (duration) => {
  expect(refusal(() => after(duration as '1s'))).toMatch(/number with a unit/)
})

test.each([new Date(Number.NaN), '2026-01-01', 0, undefined])('at(%s) is refused', (date) => {
  expect(refusal(() => at(date as Date))).toMatch(/takes a valid Date/)
})

test.each([undefined, null, '1h', 5, {}, { '~timer': 5 }, { '~timer': new Date(Number.NaN) }])('%s is no timer', (value) => {
  expect(isTimerValue(value)).toBe(false)
  expect(refusal(() => expiryMs(value, 0))).toMatch(/made with after\('1h'\) or at\(date\)/)
})

test('a timer is recognised', () => {
  expect(isTimerValue(after('1s'))).toBe(true)
  expect(isTimerValue(at(new Date(0)))).toBe(true)
})
