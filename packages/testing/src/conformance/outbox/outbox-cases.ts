import { bindCases, type ConformanceCase } from '../conformance-case.ts'
import type { RecordStoreHarness } from '../harness.ts'
import { newRecordStoreScope } from '../record-store/record-store-scope.ts'
import { outboxDefinitions } from './outbox-definitions.ts'

/** What the outbox of every RecordStore must hold, as cases for any test runner. */
export function outboxCases(harness: RecordStoreHarness): readonly ConformanceCase[] {
  return bindCases(outboxDefinitions, harness, newRecordStoreScope)
}
