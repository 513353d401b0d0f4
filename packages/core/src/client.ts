import { type AnyContract, contractOf } from './any-contract.ts'
import { EngineClient } from './engine-client.ts'
import { engineContext } from './engine-setup.ts'
import type { ContractModel } from './model/definition.ts'
import type { ResolvedClientInfrastructure } from './resolved-infrastructure.ts'
import type { WorkflowClient } from './workflow-client.ts'

/** A client of a contract, without handlers. */
export function createClient(contract: ContractModel, infrastructure: ResolvedClientInfrastructure): WorkflowClient<AnyContract> {
  // The cast holds because the class has every method of a client and checks at run time what the types promise.
  return new EngineClient(contractOf(contract), engineContext(contract, infrastructure)) as unknown as WorkflowClient<AnyContract>
}
