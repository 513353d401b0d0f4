/** What every contract is, whatever its types, and how its types are read from it. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { Configuration } from './errors.ts'
import type { EndsOf, ExitKind, StatusHaving } from './graph.ts'
import type { ContractModel } from './model/definition.ts'
import type { TransitionGraph } from './model/transition-graph.ts'
import { shown } from './model/option-check.ts'
import type { Schema } from './schema.ts'

/** A contract of any workflow. */
export interface AnyContract {
  readonly name: string
  /** The process as data: statuses, starts, terminals and transitions with their kind. */
  graph(): TransitionGraph
  readonly '~types'?: ContractTypes | undefined
}

/** The types that a contract carries. Nothing of this exists at run time. */
export interface ContractTypes {
  readonly name: string
  readonly status: string
  readonly input: unknown
  readonly object: unknown
  readonly graph: object
  readonly payloads: object
  readonly children: object
}

export type TypesOf<C extends AnyContract> = NonNullable<C['~types']>
/** The name of the workflow, as a literal type. */
export type NameOf<C extends AnyContract> = TypesOf<C>['name']
/** The run's object, as handlers see it. */
export type ObjectOf<C extends AnyContract> = TypesOf<C>['object']
/** The run's object, as its schema takes it: what a trigger is given. */
export type InputOf<C extends AnyContract> = TypesOf<C>['input']
/** Every status of the graph. */
export type StatusOf<C extends AnyContract> = TypesOf<C>['status']
/** The statuses that an exit of this kind leaves. */
export type StatusWith<C extends AnyContract, Kind extends ExitKind> = StatusHaving<TypesOf<C>['graph'], Kind>
/** The statuses that nothing leaves: where runs end. */
export type TerminalOf<C extends AnyContract> = EndsOf<TypesOf<C>['graph']>
/** Where a run may begin: at every status that it can leave. */
export type StartOf<C extends AnyContract> = Exclude<StatusOf<C>, TerminalOf<C>>
/** Where `Kind` may lead from `From`. */
export type Destination<C extends AnyContract, From extends string, Kind extends ExitKind> = TypesOf<C>['graph'] extends {
  readonly [S in From]: { readonly [K in Kind]?: readonly (infer To extends string)[] }
}
  ? To
  : never
type SchemaAt<C extends AnyContract, S extends string> = TypesOf<C>['payloads'] extends { readonly [K in S]: infer P extends Schema }
  ? P
  : Schema<undefined>
/** What a callback's handler receives; `undefined` where the contract declares no payload. */
export type PayloadOf<C extends AnyContract, S extends string> = StandardSchemaV1.InferOutput<SchemaAt<C, S>>
/** What a caller gives to a callback. */
export type PayloadInput<C extends AnyContract, S extends string> = StandardSchemaV1.InferInput<SchemaAt<C, S>>
/** The contract whose runs the join of a status waits for. */
export type ChildOf<C extends AnyContract, S extends string> = TypesOf<C>['children'] extends {
  readonly [K in S]: infer Child extends AnyContract
}
  ? Child
  : never

// A registered symbol, so that a contract made by another copy of this package can be a child here.
const modelKey: unique symbol = Symbol.for('@workflow/core/contract-model') as never
const contracts = new WeakMap<ContractModel, AnyContract>()

/** Ties a contract and its model together, once, when the contract is made. */
export function bindContract(contract: AnyContract, model: ContractModel): void {
  Object.defineProperty(contract, modelKey, { value: model })
  contracts.set(model, contract)
}

/** The model of a contract. Throws `Configuration` for anything that `workflow(…)` has not made. */
export function contractModelOf(contract: unknown): ContractModel {
  const model =
    typeof contract === 'object' && contract !== null ? (contract as { readonly [modelKey]?: ContractModel })[modelKey] : undefined
  if (model === undefined)
    throw new Configuration(`a contract made with workflow(name, { object, graph }) is needed here; got ${shown(contract)}`)
  return model
}

/** The contract of a model that this copy of the package has made. */
export function contractOf(model: ContractModel): AnyContract {
  const contract = contracts.get(model)
  if (contract === undefined)
    throw new Configuration(`the model of workflow '${model.name}' was not made by workflow(…) of this copy of the package`)
  return contract
}
