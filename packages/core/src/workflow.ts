import type { AnyContract } from './any-contract.ts'
import { Unsupported } from './errors.ts'
import type { DefinitionModel } from './model/definition.ts'
import type { ResolvedInfrastructure } from './resolved-infrastructure.ts'
import type { Workflow } from './workflow-client.ts'

export function createWorkflow(model: DefinitionModel, _infrastructure: ResolvedInfrastructure): Workflow<AnyContract> {
  throw new Unsupported(`workflow '${model.contract.name}' cannot run yet`)
}
