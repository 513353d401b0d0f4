/** The types of handlers, for those that live in a file of their own. */
import type { AnyContract, ChildOf, Destination, ObjectOf, PayloadOf, StatusWith, TerminalOf } from './any-contract.ts'
import type { Commit, Outcome, Run, RunSnapshot, TransactionalRun } from './run.ts'

/** The run that a handler is given. `unknown` means that no transaction was asked for. */
export type RunIn<Tx, Obj, From extends string> = unknown extends Tx ? Run<Obj, From> : TransactionalRun<Obj, From, Tx>

/**
 * What a handler's promise may resolve to. Handlers are always async: were `To | Promise<To>` allowed, `async () => 'paid'`
 * would be inferred as `Promise<string>`.
 */
export type Next<Tx, To extends string> = unknown extends Tx ? To | Outcome : To | Outcome | Commit<To>

/** The children that a join's handler is given, in the order in which they were started. */
export type ChildrenOf<C extends AnyContract, From extends string> = readonly RunSnapshot<
  ObjectOf<ChildOf<C, From>>,
  TerminalOf<ChildOf<C, From>>
>[]

/** `export const charge: StepHandler<typeof orders, 'created'> = async (run) => …` */
export type StepHandler<C extends AnyContract, From extends StatusWith<C, 'step'>, Tx = unknown> = (
  run: RunIn<Tx, ObjectOf<C>, From>,
) => Promise<Next<Tx, Destination<C, From, 'step'>>>

/** Like `StepHandler`, with the checked payload of the callback. */
export type CallbackHandler<C extends AnyContract, From extends StatusWith<C, 'callback'>, Tx = unknown> = (
  run: RunIn<Tx, ObjectOf<C>, From>,
  payload: PayloadOf<C, From>,
) => Promise<Next<Tx, Destination<C, From, 'callback'>>>

/** Like `StepHandler`, called when the timer has expired. */
export type TimeoutHandler<C extends AnyContract, From extends StatusWith<C, 'timeout'>, Tx = unknown> = (
  run: RunIn<Tx, ObjectOf<C>, From>,
) => Promise<Next<Tx, Destination<C, From, 'timeout'>>>

/** Like `StepHandler`, with the finished children in the order in which they were started. */
export type JoinHandler<C extends AnyContract, From extends StatusWith<C, 'join'>, Tx = unknown> = (
  run: RunIn<Tx, ObjectOf<C>, From>,
  children: ChildrenOf<C, From>,
) => Promise<Next<Tx, Destination<C, From, 'join'>>>
