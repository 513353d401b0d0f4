import type { AnyContract } from './any-contract.ts'
import { Unsupported } from './errors.ts'
import type { ContractModel } from './model/definition.ts'
import type { ResolvedClientInfrastructure } from './resolved-infrastructure.ts'
import type { WorkflowClient } from './workflow-client.ts'

export function createClient(contract: ContractModel, _infrastructure: ResolvedClientInfrastructure): WorkflowClient<AnyContract> {
  throw new Unsupported(`workflow '${contract.name}' has no client yet`)
}
