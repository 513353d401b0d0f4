import { expect, it } from 'vitest'
import { tally, vitestCounts } from './tally.ts'

it('a test file that could not be loaded is a failure', () => {
  const testResults = [
    { status: 'failed', assertionResults: [] },
    { status: 'failed', assertionResults: [{}] },
    { status: 'passed', assertionResults: [{}] },
  ]
  expect(vitestCounts(JSON.stringify({ numPassedTests: 5, numFailedTests: 1, testResults }))).toEqual({ passed: 5, failed: 2 })
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
