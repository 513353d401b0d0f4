/** Every suite with the adapters that it must catch. */
import { recordStoreCases, type ConformanceCase } from '../../src/conformance/index.ts'
import { memoryRecordStoreHarness } from '../memory-harness.ts'
import type { Mutant } from './mutant.ts'
import { endingMutants } from './record-store-ending.ts'
import { partsMutants } from './record-store-parts.ts'
import { readingMutants } from './record-store-reading.ts'
import { writingMutants } from './record-store-writing.ts'

export interface MutantSuite {
  readonly title: string
  /** The cases of an adapter that is not broken. */
  readonly cases: readonly ConformanceCase[]
  readonly mutants: readonly Mutant<unknown>[]
  /** The same cases, of a broken one. */
  readonly casesOf: (mutant: Mutant<unknown>) => readonly ConformanceCase[]
}

function suite<Change>(title: string, casesWith: (change: Change | undefined) => readonly ConformanceCase[], mutants: readonly Mutant<Change>[]): MutantSuite {
  return { title, cases: casesWith(undefined), mutants, casesOf: ({ change }) => casesWith(change as Change) } // Holds: it is given one of `mutants`.
}

export const mutantSuites: readonly MutantSuite[] = [
  suite('record store', (change) => recordStoreCases(memoryRecordStoreHarness(change)), [...writingMutants, ...partsMutants, ...readingMutants, ...endingMutants]),
]
