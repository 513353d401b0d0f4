import { bindCases, type ConformanceCase } from '../conformance-case.ts'
import type { RoleSchedulerHarness } from '../harness.ts'
import { roleSchedulerDefinitions } from './role-scheduler-definitions.ts'
import { newRoleSchedulerScope } from './role-scheduler-scope.ts'

/** What every RoleScheduler must hold, as cases for any test runner; those for capabilities that the harness lacks are left out. */
export function roleSchedulerCases(harness: RoleSchedulerHarness): readonly ConformanceCase[] {
  return bindCases(roleSchedulerDefinitions, harness, newRoleSchedulerScope)
}
