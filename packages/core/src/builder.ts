/** The builder's types: which handlers may be added where, and what must be there before `build`. */
import type { AnyContract, Destination, ObjectOf, PayloadOf, StatusOf, StatusWith, TerminalOf, TypesOf } from './any-contract.ts'
import type { ExitKind, WorkOf } from './graph.ts'
import type { ChildrenOf, Next, RunIn } from './handler.ts'
import type { ClientInfrastructure, Infrastructure } from './infrastructure.ts'
import type { Interceptor } from './interception.ts'
import type { TimerValue } from './model/definition.ts'
import type { ConnectorOptions, StepOptions, TimeoutOptions } from './options.ts'
import type { ConnectorEvent, DeletedRun, HandlerContext, RunSnapshot } from './run.ts'
import type { Schema } from './schema.ts'
import type { Workflow, WorkflowClient } from './workflow-client.ts'

/** What a definition asks of its infrastructure. Nothing of this exists at run time. */
export interface Needs<Tx, Sources extends string> {
  readonly tx: Tx
  readonly sources: Sources
}

// One status is marked as handled. After a misspelt status `From` is the union of all of them: then nothing is marked,
// or every later call of the chain would be reported as well.
type Mark<Kind extends ExitKind, From extends string, Each = From> = Each extends From
  ? [From] extends [Each]
    ? `${Kind} ${From}`
    : never
  : never
type Unhandled<C extends AnyContract, Done extends string> = Exclude<WorkOf<TypesOf<C>['graph']>, Done>

/**
 * Immutable: every call returns a new builder, so that parts can be shared. `Done` names what is handled, `Tx` is the
 * store's transaction, `Sources` the connectors that `build` must be given.
 *
 * Every method throws `Configuration` for what the compiler could not see.
 */
export interface Builder<C extends AnyContract, Done extends string = never, Tx = unknown, Sources extends string = never> {
  readonly contract: C
  readonly '~needs'?: Needs<Tx, Sources> | undefined
  /** The one handler of a status that a step leaves. */
  addStep<const From extends StatusWith<C, 'step'>>(
    from: `step ${From}` extends Done ? `'${From}' already has a step` : From,
    handler: (run: RunIn<Tx, ObjectOf<C>, NoInfer<From>>) => Promise<Next<Tx, Destination<C, NoInfer<From>, 'step'>>>,
    options?: StepOptions,
  ): Builder<C, Done | Mark<'step', From>, Tx, Sources>
  /** Several per status: they run in order, and each sees the whole payload. */
  addCallback<const From extends StatusWith<C, 'callback'>>(
    from: From,
    handler: (
      run: RunIn<Tx, ObjectOf<C>, NoInfer<From>>,
      payload: PayloadOf<C, NoInfer<From>>,
    ) => Promise<Next<Tx, Destination<C, NoInfer<From>, 'callback'>>>,
    options?: StepOptions,
  ): Builder<C, Done | Mark<'callback', From>, Tx, Sources>
  /** Several per status, each with a `name`. The timer may be computed from the run as it enters the status, and may be none. */
  addTimeout<const From extends StatusWith<C, 'timeout'>>(
    from: From,
    timer: TimerValue | ((run: RunSnapshot<ObjectOf<C>, NoInfer<From>>) => TimerValue | undefined | Promise<TimerValue | undefined>),
    handler: (run: RunIn<Tx, ObjectOf<C>, NoInfer<From>>) => Promise<Next<Tx, Destination<C, NoInfer<From>, 'timeout'>>>,
    options?: TimeoutOptions,
  ): Builder<C, Done | Mark<'timeout', From>, Tx, Sources>
  /** Called once all children that were started on the way into the status have finished. */
  addJoin<const From extends StatusWith<C, 'join'>>(
    from: `join ${From}` extends Done ? `'${From}' already has a join` : From,
    handler: (
      run: RunIn<Tx, ObjectOf<C>, NoInfer<From>>,
      children: ChildrenOf<C, NoInfer<From>>,
    ) => Promise<Next<Tx, Destination<C, NoInfer<From>, 'join'>>>,
    options?: StepOptions,
  ): Builder<C, Done | Mark<'join', From>, Tx, Sources>
  /** Handles each event of a foreign stream. The stream itself is infrastructure: `build({ connectors: { [name]: … } })`. */
  addConnector<const N extends string, T>(
    name: N extends Sources ? `connector '${N}' is already there` : N,
    event: Schema<unknown, T>,
    handler: (event: ConnectorEvent<T>, api: WorkflowClient<C>, context: HandlerContext) => Promise<void>,
    options?: ConnectorOptions,
  ): Builder<C, Done, Tx, Sources | N>
  /** Hooks are called at least once for each run, after the fact, and again until they succeed. Several per kind. */
  onPause(handler: (run: RunSnapshot<ObjectOf<C>, StatusOf<C>>, context: HandlerContext) => Promise<void>): Builder<C, Done, Tx, Sources>
  onCancel(handler: (run: RunSnapshot<ObjectOf<C>, StatusOf<C>>, context: HandlerContext) => Promise<void>): Builder<C, Done, Tx, Sources>
  onComplete(
    handler: (run: RunSnapshot<ObjectOf<C>, TerminalOf<C>>, context: HandlerContext) => Promise<void>,
  ): Builder<C, Done, Tx, Sources>
  onDataDeleted(handler: (run: DeletedRun<StatusOf<C>>, context: HandlerContext) => Promise<void>): Builder<C, Done, Tx, Sources>
  /** What data deletion keeps of an object, everywhere that it is stored. Must accept its own results. Without it nothing is kept. */
  customDelete(scrub: (object: ObjectOf<C>) => Promise<ObjectOf<C>>): Builder<C, Done, Tx, Sources>
  /**
   * Puts a function around every handler that is there by now, timers that are computed and `customDelete` included: for
   * what concerns all of them, like tracing, a tenant's context, or mocks. Called again, the later one is outside.
   */
  intercept(around: Interceptor): Builder<C, Done, Tx, Sources>
  /** From here on handlers may `return run.commit(to, write)`; `build` then asks for a store with this transaction. */
  transactional<NewTx>(): Builder<C, Done, Tx & NewTx, Sources>
  /** Brings in what another file has built on the same contract. */
  include<PartDone extends string, PartTx, PartSources extends string>(
    part: [PartDone & Done] extends [never] ? Builder<C, PartDone, PartTx, PartSources> : `handled twice: ${PartDone & Done}`,
  ): Builder<C, Done | PartDone, Tx & PartTx, Sources | PartSources>
  /** Trigger, call back, await and control from a process that runs no handlers; a contract is enough for it. */
  client(infrastructure: ClientInfrastructure): WorkflowClient<C>
  /** Joins the definition with its infrastructure. Nothing runs before `run()`. */
  build(
    ...infrastructure: [Unhandled<C, Done>] extends [never]
      ? [infrastructure: Infrastructure<StatusWith<C, 'timeout'>, Tx, Sources>]
      : [missing: `no handler for: ${Unhandled<C, Done>}`]
  ): Workflow<C>
}

/** Graph and handlers, no infrastructure. A builder that lacks nothing is one. */
export interface Definition<C extends AnyContract, Tx = unknown, Sources extends string = never> {
  readonly contract: C
  readonly '~needs'?: Needs<Tx, Sources> | undefined
  /** The same definition with a function around each of its handlers: see `Builder.intercept`. */
  intercept(around: Interceptor): Definition<C, Tx, Sources>
  client(infrastructure: ClientInfrastructure): WorkflowClient<C>
  build(infrastructure: Infrastructure<StatusWith<C, 'timeout'>, Tx, Sources>): Workflow<C>
}
