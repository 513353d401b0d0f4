import type { RoleSchedulerCase } from './role-scheduler-scope.ts'

/** Every case about a RoleScheduler. */
export const roleSchedulerDefinitions: readonly RoleSchedulerCase[] = []
