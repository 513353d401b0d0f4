/** The contract: a process as a value without code. Also the empty builder. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type AnyContract, bindContract } from './any-contract.ts'
import type { Builder } from './builder.ts'
import { contractModelFrom } from './contract-model.ts'
import { DefinitionBuilder } from './definition-builder.ts'
import { Configuration } from './errors.ts'
import type { AnyGraph, GraphOf, StatusHaving } from './graph.ts'
import type { ContractModel } from './model/definition.ts'
import { diagramDirections, type DiagramOptions, mermaid } from './model/mermaid.ts'
import { type TransitionGraph, transitionGraphOf } from './model/transition-graph.ts'
import { suggestion } from './model/nearest.ts'
import { checkedObject } from './model/option-check.ts'
import type { Schema } from './schema.ts'
import type { Storable } from './storable.ts'

/** The schema of the payload by status, for those with a callback. */
export type Payloads = { readonly [status: string]: Schema }
/** The contract of the children by status, for those with a join. */
export type Children = { readonly [status: string]: AnyContract }

/**
 * Name, object type, graph and payloads: all that a caller needs, and no code. Import it from anywhere. It is also the
 * empty builder: `addStep` and its siblings make a definition of it.
 */
export interface Contract<Name extends string, O extends Schema, G extends GraphOf<G>, P extends Payloads = {}, K extends Children = {}>
  extends Builder<Contract<Name, O, G, P, K>> {
  readonly name: Name
  /** The schema of the run's object. */
  readonly object: O
  readonly '~types'?:
    | {
        readonly name: Name
        readonly status: keyof G & string
        readonly input: StandardSchemaV1.InferInput<O>
        readonly object: StandardSchemaV1.InferOutput<O>
        readonly graph: G
        readonly payloads: P
        readonly children: K
      }
    | undefined
  /** The process as Mermaid `stateDiagram-v2` text. */
  diagram(options?: DiagramOptions): string
  /** The process as data: statuses, starts, terminals and transitions with their kind. */
  graph(): TransitionGraph
}

/** Every join says whose runs it waits for. */
export type ChildrenOfJoins<G> = [StatusHaving<G, 'join'>] extends [never]
  ? unknown
  : { readonly children: { readonly [S in StatusHaving<G, 'join'>]: AnyContract } }

/** What `workflow(name, spec)` is told about a process. */
export interface ContractSpec<In, Out, G, P, K> {
  /** The run's object. Checked when a run is triggered and whenever it is loaded. */
  readonly object: Storable<In, Out>
  /** Every status, in order, with its exits. The first one that no other leads to is the default start. */
  readonly graph: G & AnyGraph
  /** What each callback carries. Not listed: it carries nothing. */
  // `unknown`, not `Schema` again: the older compilers would compare an arktype schema with itself without end.
  readonly payloads?: P & { readonly [S in StatusHaving<G, 'callback'>]?: Schema } & {
    readonly [S in keyof P]: S extends StatusHaving<G, 'callback'> ? unknown : `no callback leaves '${S & string}'`
  }
  /** Whose runs each join waits for. */
  readonly children?: K & { readonly [S in StatusHaving<G, 'join'>]?: AnyContract } & {
    readonly [S in keyof K]: S extends StatusHaving<G, 'join'> ? AnyContract : `no join leaves '${S & string}'`
  }
  /**
   * The version of the object's shape. Raise it when objects of older code would no longer fit.
   * @default 1
   */
  readonly schemaVersion?: number
  /** Makes today's object of one that was stored under an older `schemaVersion`; the schema checks its result. */
  readonly upcast?: (old: unknown, schemaVersion: number) => unknown
}

/**
 * Declares a workflow. Throws `Configuration` for what the compiler could not see: a status that no run can reach, names
 * that collide or are too long, no possible start.
 */
export function workflow<const Name extends string, In, Out, const G extends GraphOf<G>, P extends Payloads = {}, K extends Children = {}>(
  name: Name,
  spec: ContractSpec<In, Out, G, P, K> & ChildrenOfJoins<G>,
): Contract<
  Name,
  Schema<In, Out>,
  G,
  { readonly [S in keyof P]: Schema<StandardSchemaV1.InferInput<P[S]>, StandardSchemaV1.InferOutput<P[S]>> },
  K
> {
  // The cast holds because the class has every member of a contract; its types live only in the interface.
  return new WorkflowContract(contractModelFrom(name, spec)) as never
}

class WorkflowContract extends DefinitionBuilder {
  readonly name: string
  readonly object: Schema
  readonly #contract: ContractModel

  constructor(contract: ContractModel) {
    super({
      contract,
      steps: new Map(),
      callbacks: new Map(),
      timeouts: new Map(),
      joins: new Map(),
      connectors: new Map(),
      hooks: { pause: [], cancel: [], complete: [], dataDeleted: [] },
      transactional: false,
    })
    this.name = contract.name
    this.object = contract.object
    this.#contract = contract
    bindContract(this, contract)
    Object.freeze(this)
  }

  graph(): TransitionGraph {
    return transitionGraphOf(this.#contract)
  }

  diagram(options: DiagramOptions = {}): string {
    return mermaid(this.graph(), checkedDiagramOptions(options, `workflow '${this.name}'`))
  }
}

function checkedDiagramOptions(options: unknown, where: string): DiagramOptions {
  const { direction } = checkedObject(options, ['direction'], `${where}: diagram`)
  if (direction === undefined) return {}
  const known = diagramDirections.find((each) => each === direction)
  if (known === undefined)
    throw new Configuration(
      `${where}: diagram has no direction '${String(direction)}'. ${suggestion(String(direction), diagramDirections)}`,
    )
  return { direction: known }
}
