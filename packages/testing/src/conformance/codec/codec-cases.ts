import { bindCases, type ConformanceCase } from '../conformance-case.ts'
import type { CodecHarness } from '../harness.ts'
import { codecDefinitions } from './codec-definitions.ts'
import { newCodecScope } from './codec-scope.ts'

/** What every Codec must hold, as cases for any test runner; those for capabilities that the harness lacks are left out. */
export function codecCases(harness: CodecHarness): readonly ConformanceCase[] {
  return bindCases(codecDefinitions, harness, newCodecScope)
}
