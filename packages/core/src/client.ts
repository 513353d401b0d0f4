import { type AnyContract, contractOf } from './any-contract.ts'
import { EngineClient } from './engine-client.ts'
import { engineContext } from './engine-setup.ts'
import type { DefinitionModel } from './model/definition.ts'
import type { ResolvedClientInfrastructure } from './resolved-infrastructure.ts'
import type { WorkflowClient } from './workflow-client.ts'

/** A client of a contract or definition. It runs no handlers. */
export function createClient(
  { contract, timeouts }: DefinitionModel,
  infrastructure: ResolvedClientInfrastructure,
): WorkflowClient<AnyContract> {
  // The cast holds because the class has every method of a client and checks at run time what the types promise.
  return new EngineClient(contractOf(contract), engineContext(contract, infrastructure), timeouts) as unknown as WorkflowClient<AnyContract>
}
