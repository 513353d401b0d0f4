import { bindCases, type ConformanceCase } from '../conformance-case.ts'
import type { RecordStoreHarness } from '../harness.ts'
import { recordStoreDefinitions } from './record-store-definitions.ts'
import { newRecordStoreScope } from './record-store-scope.ts'

/** What every RecordStore must hold, as cases for any test runner; those for capabilities that the harness lacks are left out. */
export function recordStoreCases(harness: RecordStoreHarness): readonly ConformanceCase[] {
  return bindCases(recordStoreDefinitions, harness, newRecordStoreScope)
}
