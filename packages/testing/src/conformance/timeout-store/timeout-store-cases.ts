import { bindCases, type ConformanceCase } from '../conformance-case.ts'
import type { TimeoutStoreHarness } from '../harness.ts'
import { timeoutStoreDefinitions } from './timeout-store-definitions.ts'
import { newTimeoutStoreScope } from './timeout-store-scope.ts'

/** What every TimeoutStore must hold, as cases for any test runner; those for capabilities that the harness lacks are left out. */
export function timeoutStoreCases(harness: TimeoutStoreHarness): readonly ConformanceCase[] {
  return bindCases(timeoutStoreDefinitions, harness, newTimeoutStoreScope)
}
