import type { Clock } from '@workflow/core/adapter'
import type { CaseDefinition, CaseScope } from '../conformance-case.ts'
import type { Backend } from '../harness.ts'
import { waitingOn, type Waiting } from '../waiting.ts'

/** What a case about a Clock works with. */
export interface ClockScope extends CaseScope, Waiting {
  readonly clock: Clock
}

export type ClockCase = CaseDefinition<ClockScope, never>

export function newClockScope(backend: Backend): ClockScope {
  return { ...waitingOn(backend.time), clock: backend.time.clock, end: () => Promise.resolve() }
}
