import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkedOptions, libraryOptions, resolveProcessOptions, type StepOptions } from './options.ts'
import { after, at } from './timer-value.ts'

const resolved = (
  own: StepOptions,
  defaults: StepOptions = {},
  report?: (problem: unknown) => void,
): ReturnType<typeof resolveProcessOptions> =>
  resolveProcessOptions(libraryOptions, checkedOptions(defaults, 'defaults'), checkedOptions(own, 'own'), report)
const waits = (own: StepOptions, random: number): number[] =>
  [1, 2, 3, 4, 50, 5_000].map((attempt) => resolved(own).backOffMs(attempt, new Error('x'), 0, () => random))

test('nothing given is the library default', () => {
  expect(resolved({})).toMatchObject({
    parallelCount: 1,
    pollingFrequencyMs: 500,
    lagAlertMs: 30 * 60_000,
    consumeLagMs: 0,
    pauseAfterErrCount: Infinity,
    deadlineMs: 600_000,
  })
})

test('each field comes from the process, else from its workflow, else from the library', () => {
  const options = resolved({ parallelCount: 4, deadline: false }, { parallelCount: 2, pollingFrequency: '2s', pauseAfterErrCount: 5 })
  expect(options).toMatchObject({
    parallelCount: 4,
    deadlineMs: Infinity,
    pollingFrequencyMs: 2_000,
    pauseAfterErrCount: 5,
    consumeLagMs: 0,
  })
})

test('a process can take back what its workflow set', () => {
  expect(resolved({ pauseAfterErrCount: Infinity, deadline: '1s' }, { pauseAfterErrCount: 5, deadline: false })).toMatchObject({
    pauseAfterErrCount: Infinity,
    deadlineMs: 1_000,
  })
})

test('an option that is undefined counts as absent', () => {
  // From JavaScript, or without exactOptionalPropertyTypes.
  const own = { parallelCount: undefined } as unknown as StepOptions
  expect(resolved(own, { parallelCount: 2 }).parallelCount).toBe(2)
})

test('a wanted lag is no alarm, unless the alarm was set', () => {
  expect(resolved({ consumeLag: '1h' }).lagAlertMs).toBe(90 * 60_000)
  expect(resolved({ consumeLag: '1h' }, { lagAlert: '5m' }).lagAlertMs).toBe(5 * 60_000)
})

test('the default back-off doubles from a second up to a minute, and spreads over its upper half', () => {
  expect(waits({}, 0)).toEqual([500, 1_000, 2_000, 4_000, 30_000, 30_000])
  expect(waits({}, 0.5)).toEqual([750, 1_500, 3_000, 6_000, 45_000, 45_000])
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
      const whole = Math.min(60_000, 1_000 * 2 ** (attempt - 1))
      const ms = resolved({}).backOffMs(attempt, undefined, 0, () => random)
      expect(ms).toBeGreaterThanOrEqual(whole / 2)
      expect(ms).toBeLessThanOrEqual(whole)
    }),
  )
})

test('an exponential back-off takes what it leaves out from the library', () => {
  expect(waits({ errBackOff: { initial: '10s', jitter: false } }, 0.5)).toEqual([10_000, 20_000, 40_000, 60_000, 60_000, 60_000])
  expect(waits({ errBackOff: { initial: '10s', factor: 1, max: '10s', jitter: false } }, 0)).toEqual([
    10_000, 10_000, 10_000, 10_000, 10_000, 10_000,
  ])
  expect(waits({ errBackOff: { initial: '5m', jitter: false } }, 0)[3]).toBe(300_000)
})

test('a duration is the same wait every time', () => {
  expect(waits({ errBackOff: '5s' }, 0.3)).toEqual([5_000, 5_000, 5_000, 5_000, 5_000, 5_000])
})

test('a function is given the attempt and the error, and answers with a timer', () => {
  const seen: unknown[] = []
  const options = resolved({
    errBackOff: (attempt, error) => {
      seen.push(attempt, error)
      return attempt === 1 ? after('3s') : at(new Date(10_000))
    },
  })
  const error = new Error('x')
  expect(options.backOffMs(1, error, 4_000, () => 0)).toBe(3_000)
  expect(options.backOffMs(2, error, 4_000, () => 0)).toBe(6_000)
  expect(options.backOffMs(3, error, 40_000, () => 0)).toBe(0)
  expect(seen).toEqual([1, error, 2, error, 3, error])
})

const rubbish: readonly (readonly [string, () => unknown])[] = [
  [
    'throws',
    () => {
      throw new Error('broken')
    },
  ],
  ['gives nothing', () => undefined],
  ['gives a text', () => '5s'],
  ['gives a promise', async () => after('5s')],
  ['gives a date that is none', () => ({ '~timer': new Date(Number.NaN) })],
]

test.each(rubbish)('a function that %s is reported, and the library decides', (_how, policy) => {
  const problems: unknown[] = []
  const options = resolved({ errBackOff: policy as () => ReturnType<typeof after> }, {}, (problem) => problems.push(problem))
  expect(options.backOffMs(2, new Error('x'), 0, () => 0)).toBe(1_000)
  expect(problems).toHaveLength(1)
  expect(problems[0]).toBeInstanceOf(Error)
})

test('what was given can be changed afterwards without effect', () => {
  const given = { parallelCount: 2, errBackOff: { initial: '1s' as const, jitter: false } }
  const options = checkedOptions(given, 'own')
  given.parallelCount = 0
  given.errBackOff.jitter = true
  expect(options).toMatchObject({ parallelCount: 2, errBackOff: { jitter: false } })
  expect(Object.isFrozen(options) && Object.isFrozen(options.errBackOff)).toBe(true)
})
