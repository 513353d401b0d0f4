/** What handlers are given and what they may return. */
import type { AnyContract, InputOf, StartOf } from './any-contract.ts'
import type { WorkflowError } from './errors.ts'
import type { RunState } from './model/run-state.ts'
import type { Logger } from './ports/logger.ts'

/** Small texts that belong to a run, can be searched for, and are not part of its object. */
export type Metadata = { readonly [key: string]: string }

/** What a handler may return instead of a status. A value: nothing happens until it is returned. */
export interface Outcome {
  readonly '~outcome': 'skip' | 'pause' | 'cancel' | 'saveAndRepeat'
  /** Why, for `pause` and `cancel`. */
  readonly reason?: string
}

/** A status, and rows to write in the transition's own transaction. */
export interface Commit<out To extends string> {
  readonly '~commit': To
}

/** A run of any workflow: for code that treats all of them alike. */
export interface AnyRun {
  readonly workflowName: string
  readonly runId: string
  readonly foreignId: string
  readonly status: string
  readonly version: number
  /** Which attempt this is, from 1. Counts survive a crash. */
  readonly attempt: number
  readonly createdAt: Date
  readonly enteredAt: Date
  readonly metadata: Metadata
  /** W3C trace context of the work in hand. */
  readonly traceparent: string | undefined
  /** The same on every attempt of this stay, also after a crash, a pause and a resume: hand it to whatever must not happen twice. */
  readonly idempotencyKey: string
  /** Aborted at the deadline, when the role is lost, and when the workflow stops. */
  readonly signal: AbortSignal
  readonly logger: Logger
  object: unknown
  /** Leaves the run where it is until its next event. */
  skip(): Outcome
  /** Pauses the run until somebody resumes it: what a handler pauses, the engine does not resume by itself. */
  pause(reason: string): Outcome
  cancel(reason: string): Outcome
  /** Saves the object and runs this handler again, as a new stay with a new idempotency key. */
  saveAndRepeat(): Outcome
  /** Starts a child together with this transition: both or neither. */
  startChild<Child extends AnyContract>(child: Child, foreignId: string, options: TriggerOptions<InputOf<Child>, StartOf<Child>>): void
}

/** A run in hand, at a status that is known. */
export interface Run<Obj, Status extends string = string> extends AnyRun {
  readonly status: Status
  /** Yours to change; saved with the transition and with every outcome. */
  object: Obj
}

/** A run whose transition can carry rows of yours. */
export interface TransactionalRun<Obj, Status extends string, Tx> extends Run<Obj, Status> {
  /**
   * `return run.commit('paid', (tx) => tx.query(…))`: the rows and the transition commit together, or neither does.
   * `write` may run again after a failed attempt; whatever it wrote before has been rolled back by then.
   */
  commit<const To extends string>(to: To, write: (tx: Tx) => Promise<void>): Commit<To>
}

/** A run of any workflow as it was when it was read. */
export interface AnySnapshot {
  readonly workflowName: string
  readonly runId: string
  readonly foreignId: string
  readonly status: string
  readonly state: RunState
  readonly version: number
  readonly metadata: Metadata
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly enteredAt: Date
  /** Present exactly when the run is completed or cancelled. */
  readonly finishedAt?: Date
  /** Present exactly while the run is paused. */
  readonly pause?: RunPauseInfo
  /** The run that started this one, and which of its stays waits for it. */
  readonly parent?: RunParentInfo
  /** W3C trace context of the run. */
  readonly traceparent?: string
  readonly object?: unknown
}

/** Why a run is paused. */
export interface RunPauseInfo {
  readonly by: 'person' | 'engine'
  readonly actor?: string
  readonly reason: string
  /** When the engine resumes the run by itself. */
  readonly resumeAt?: Date
}

/** Where a child run reports to. */
export interface RunParentInfo {
  readonly workflowName: string
  readonly runId: string
  /** The status of the parent that waits for its children. */
  readonly status: string
}

/** A run as it was when it was read. */
export interface RunSnapshot<Obj, Status extends string = string> extends AnySnapshot {
  readonly status: Status
  readonly state: Exclude<RunState, 'DataDeleted'>
  readonly object: Obj
}

/** A run whose object is gone: `state` tells it from the others. */
export interface DeletedRun<Status extends string = string> extends AnySnapshot {
  readonly status: Status
  readonly state: 'DataDeleted'
  readonly object?: never
}

/** What a run starts with. */
export interface TriggerOptions<In, Start extends string = string> {
  /** The object of the new run. */
  readonly initialValue: In
  /** @default the first status that no other one leads to */
  readonly startAt?: Start
  readonly metadata?: Metadata
  /** W3C trace context of the caller. */
  readonly traceparent?: string
}

/** One run of `triggerMany`. */
export interface TriggerItem<In, Start extends string = string> extends TriggerOptions<In, Start> {
  readonly foreignId: string
}

/** What became of one run of `triggerMany`: its id, or why it was not started. */
export type TriggerResult =
  | { readonly foreignId: string; readonly runId: string; readonly error?: never }
  | { readonly foreignId: string; readonly runId?: never; readonly error: WorkflowError }

/** What hooks and connectors are given besides their subject. */
export interface HandlerContext {
  /** Aborted at the deadline, when the role is lost, and when the workflow stops. */
  readonly signal: AbortSignal
  readonly logger: Logger
  /** W3C trace context of the work in hand. */
  readonly traceparent: string | undefined
}

/** An event of a foreign stream, after its value has passed the connector's schema. */
export interface ConnectorEvent<T> {
  /** The same whenever the event is delivered. */
  readonly id: string
  readonly createdAt: Date
  readonly headers: Metadata
  readonly data: T
}
