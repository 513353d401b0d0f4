import { expect, test } from 'vitest'
import { parseCron } from './cron-spec.ts'
import { isWorkflowError } from './errors.ts'

test.each(['0 3 * * *', '*/5 8-18 1,15 jan-mar mon', '@yearly', '@monthly', '@weekly', '@daily', '@hourly', '@every 90s', '@every 1.5h'])(
  '%s is a schedule',
  (text) => {
    expect(parseCron(text)).toBe(text)
  },
)

test('white space is brought into order', () => {
  expect(parseCron('  0   3 *\t* * ')).toBe('0 3 * * *')
})

test.each([
  '',
  '* * * *',
  '* * * * * *',
  '@never',
  '@every',
  '@every soon',
  '@every 999ms',
  '@every -1s',
  '0 3 * * $',
  '@daily * * * *',
  5,
  undefined,
])('%j is refused', (text) => {
  expect(() => parseCron(text as string)).toThrow(expect.toSatisfy((error) => isWorkflowError(error, 'InvalidArgument')))
})
