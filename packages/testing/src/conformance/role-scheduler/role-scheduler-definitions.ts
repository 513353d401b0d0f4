import { holdingDefinitions } from './holding-definitions.ts'
import { losingDefinitions } from './losing-definitions.ts'
import type { RoleSchedulerCase } from './role-scheduler-scope.ts'
import { spreadingDefinitions } from './spreading-definitions.ts'

/** Every case about a RoleScheduler. */
export const roleSchedulerDefinitions: readonly RoleSchedulerCase[] = [...holdingDefinitions, ...losingDefinitions, ...spreadingDefinitions]
