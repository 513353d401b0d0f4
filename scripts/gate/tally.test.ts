import { expect, it } from 'vitest'
import { failuresFirst, skippedAloud, tally, vitestCounts } from './tally.ts'

it('a test file that could not be loaded is a failure, and what was left out has a name', () => {
  const testResults = [
    { name: '/a.test.ts', status: 'failed', assertionResults: [] },
    { name: '/b.test.ts', status: 'failed', assertionResults: [{ status: 'failed', fullName: 'fails' }] },
    {
      name: '/c/d.test.ts',
      status: 'passed',
      assertionResults: [
        { status: 'passed', fullName: 'passes' },
        { status: 'skipped', fullName: 'a server is away' },
      ],
    },
  ]
  expect(vitestCounts(JSON.stringify({ numPassedTests: 5, numFailedTests: 1, numPendingTests: 3, testResults }))).toEqual({
    passed: 5,
    failed: 2,
    skipped: 3,
    skippedNames: ['d.test.ts: a server is away'],
  })
})

it('tests and steps are added up', () => {
  const step = { ms: 1, output: '' }
  expect(
    tally([
      { ...step, ok: true, tests: { passed: 10, failed: 0 } },
      { ...step, ok: true },
    ]),
  ).toEqual({ passed: 12, failed: 0 })
  expect(
    tally([
      { ...step, ok: false, tests: { passed: 9, failed: 3 } },
      { ...step, ok: false },
    ]),
  ).toEqual({ passed: 9, failed: 4 })
})

it('a run of tests that broke without a failing test is a failure', () => {
  expect(tally([{ ms: 1, output: '', ok: false, tests: { passed: 9, failed: 0 } }])).toEqual({ passed: 9, failed: 1 })
})

it('what failed comes first, where something is named', () => {
  expect(failuresFirst('a server starts\n····x··\n⎯⎯ Failed Tests 2 ⎯⎯\nFAIL one\nFAIL two')).toBe(
    '⎯⎯ Failed Tests 2 ⎯⎯\nFAIL one\nFAIL two',
  )
  expect(failuresFirst('·····\n⎯⎯⎯⎯ Unhandled Errors ⎯⎯⎯⎯\nan error')).toBe('⎯⎯⎯⎯ Unhandled Errors ⎯⎯⎯⎯\nan error')
  expect(failuresFirst('vitest: no such option')).toBe('vitest: no such option')
})

it('what is left out is said, also where the rest passes', () => {
  expect(skippedAloud('····\nTHE TESTS OF x ARE SKIPPED: there is no y\n··\nTHE TESTS OF x ARE SKIPPED: there is no y\nskipped 1')).toEqual(
    ['THE TESTS OF x ARE SKIPPED: there is no y'],
  )
})
