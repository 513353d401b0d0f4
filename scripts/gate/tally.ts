/** Adds up tests and checks for the last line of the gate. */
import { basename } from 'node:path'
import type { StepResult, TestCounts } from './step-result.ts'

/** What vitest's JSON report counts. A file that could not be loaded is one failure: its tests were never met. */
export function vitestCounts(json: string): TestCounts & { readonly skipped: number; readonly skippedNames: readonly string[] } {
  const report = JSON.parse(json) as {
    readonly numPassedTests: number
    readonly numFailedTests: number
    readonly numPendingTests: number
    readonly testResults: readonly {
      readonly name: string
      readonly status: string
      readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
    }[]
  }
  const unloaded = report.testResults.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0)
  const skippedNames = report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'skipped' || status === 'pending')
      .map(({ fullName }) => `${basename(name)}: ${fullName}`),
  )
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloaded.length, skipped: report.numPendingTests, skippedNames }
}

/** Every test and every step counts one; a step that failed by its tests counts only those. */
export function tally(results: readonly StepResult[]): TestCounts {
  let passed = 0
  let failed = 0
  for (const { ok, tests } of results) {
    passed += (tests?.passed ?? 0) + (ok ? 1 : 0)
    failed += ok ? 0 : Math.max(1, tests?.failed ?? 0)
  }
  return { passed, failed }
}

/** What vitest says of failures; all that it said, where it broke without one. A long prelude of dots helps nobody. */
export function failuresFirst(output: string): string {
  const at = output.search(/^.*(?:Failed (?:Suites|Tests)|Unhandled Errors).*$/m)
  return at < 0 ? output : output.slice(at)
}

/** What setups have said about tests that are left out, in capitals: also where all others pass. What test files say is not in the output. */
export function skippedAloud(output: string): readonly string[] {
  return [...new Set(output.split('\n').filter((line) => /\bSKIPPED\b/.test(line)))]
}
