import { bindCases, type ConformanceCase } from '../conformance-case.ts'
import type { ClockHarness } from '../harness.ts'
import { clockDefinitions } from './clock-definitions.ts'
import { newClockScope } from './clock-scope.ts'

/** What every Clock must hold, as cases for any test runner; those for capabilities that the harness lacks are left out. */
export function clockCases(harness: ClockHarness): readonly ConformanceCase[] {
  return bindCases(clockDefinitions, harness, newClockScope)
}
