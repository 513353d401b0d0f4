import { expect, test } from 'vitest'
import { assertReceive } from './assert-receive.ts'

const { signal } = new AbortController()

test.each([0, -1, 1.5, Number.NaN, '1', undefined])('a max of %s is refused', (max) => {
  // From JavaScript anything may come.
  const options = { max: max as number, signal }
  const message = `receiver "runs": max must be a whole number, 1 or more; got ${String(max)}`
  expect(() => assertReceive(options, { name: 'runs', receiving: false })).toThrow(
    expect.objectContaining({ code: 'InvalidArgument', message }),
  )
})

test('calls come one at a time', () => {
  expect(() => assertReceive({ max: 1, signal }, { receiving: true })).toThrow(
    'this receiver is receiving already; make one call at a time',
  )
  assertReceive({ max: 1, signal }, { receiving: false })
})
