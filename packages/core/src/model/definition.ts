import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Duration } from './duration.ts'

/**
 * A definition as the engine reads it: what a builder has gathered, without the types that the compiler needed. Built
 * and checked once, then frozen.
 */
export interface DefinitionModel {
  readonly contract: ContractModel
  readonly steps: ReadonlyMap<string, StepModel>
  /** Per status, in the order in which they were added. */
  readonly callbacks: ReadonlyMap<string, readonly CallbackModel[]>
  readonly timeouts: ReadonlyMap<string, readonly TimeoutModel[]>
  readonly joins: ReadonlyMap<string, JoinModel>
  readonly connectors: ReadonlyMap<string, ConnectorModel>
  readonly hooks: { readonly [Kind in HookKind]: readonly HookModel[] }
  /** Whether handlers may commit rows in the transition's own transaction. */
  readonly transactional: boolean
  /** What data deletion puts in place of an object; absent: a tombstone. */
  readonly customDelete?: (object: unknown) => Promise<unknown>
}

/** A contract as the engine reads it. */
export interface ContractModel {
  readonly name: string
  /** Every status with its exits, in the order of the source. */
  readonly graph: ReadonlyMap<string, ExitsModel>
  readonly startDefault: string
  /** A stable text that is equal for equal graphs, e.g. a hash over statuses and exits: `RunRecord.writer.graph`. */
  readonly fingerprint: string
  readonly object: StandardSchemaV1
  /** True for `unchecked<T>()`: then no schema brings a Date back. */
  readonly objectUnchecked: boolean
  /** 1 or more. */
  readonly schemaVersion: number
  readonly upcast?: (old: unknown, schemaVersion: number) => unknown
  readonly payloads: ReadonlyMap<string, StandardSchemaV1>
  /** Names of the workflows whose runs a join waits for, by status, with their contracts. */
  readonly children: ReadonlyMap<string, ContractModel>
}

/** What can move a run out of a status: its own handler, a call from outside, time, or the end of its children. */
export type ExitKind = 'step' | 'callback' | 'timeout' | 'join'
export type ExitsModel = { readonly [Kind in ExitKind]?: readonly string[] }
export type HookKind = 'pause' | 'cancel' | 'complete' | 'dataDeleted'

/** What a handler is, once its types are gone. Its first argument is a run or a snapshot. */
export type AnyHandler = (first: never, ...rest: never[]) => Promise<unknown>

export interface StepModel {
  readonly handler: AnyHandler
  readonly options: HandlerOptionsModel
}
export interface CallbackModel {
  readonly handler: AnyHandler
  readonly options: HandlerOptionsModel
}
export interface TimeoutModel {
  /** Unique within the status. */
  readonly name: string
  /** A fixed timer, or a function that computes one, or none, from a snapshot. */
  readonly timer: TimerValue | ((run: never) => TimerValue | undefined | Promise<TimerValue | undefined>)
  readonly handler: AnyHandler
  readonly options: HandlerOptionsModel
}
export interface JoinModel {
  readonly handler: AnyHandler
  readonly options: HandlerOptionsModel
}
export interface ConnectorModel {
  readonly schema: StandardSchemaV1
  readonly handler: AnyHandler
  readonly options: HandlerOptionsModel
  readonly from: 'earliest' | 'latest' | Date
}
export interface HookModel {
  readonly handler: AnyHandler
}
/** When a timeout expires: a duration after the entry into the status, or a date. */
export interface TimerValue {
  readonly '~timer': Duration | Date
}

/** Options as the user gave them, checked but not yet merged with defaults. */
export interface HandlerOptionsModel {
  readonly parallelCount?: number
  readonly pollingFrequency?: Duration
  readonly errBackOff?: BackOffModel
  readonly lagAlert?: Duration
  readonly consumeLag?: Duration
  readonly pauseAfterErrCount?: number
  readonly deadline?: Duration | false
}
export type BackOffModel =
  | Duration
  | { readonly initial: Duration; readonly factor?: number; readonly max?: Duration; readonly jitter?: boolean }
  | ((attempt: number, error: unknown) => TimerValue)
