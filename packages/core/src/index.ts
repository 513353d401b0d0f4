export type {
  AnyContract,
  ChildOf,
  Destination,
  InputOf,
  NameOf,
  ObjectOf,
  PayloadInput,
  PayloadOf,
  StartOf,
  StatusOf,
  StatusWith,
  TerminalOf,
} from './any-contract.ts'
export type { Builder, Definition } from './builder.ts'
export type { Compatibility, CompatibilityOptions, StrandedReason, StrandedRuns } from './compatibility.ts'
export { type Children, type Contract, type ContractSpec, type Payloads, workflow } from './contract.ts'
export { type CronSpec, parseCron } from './cron-spec.ts'
export {
  AwaitTimeout,
  CallbackFailed,
  Configuration,
  Contention,
  DeadlineExceeded,
  type ErrorCode,
  errorCodes,
  EventsLost,
  Fenced,
  IllegalMove,
  InvalidArgument,
  InvalidOutcome,
  isWorkflowError,
  LeaseLost,
  NonRetryable,
  NotSerializable,
  ObjectTooLarge,
  RunFinished,
  RunNotFound,
  RunNotWaiting,
  Shredded,
  Stopped,
  StaleVersion,
  StoreCorrupt,
  StoredByNewer,
  StoreUnavailable,
  Unsupported,
  ValidationError,
  WorkflowError,
  type WorkflowErrorOptions,
  WorkflowInProgress,
} from './errors.ts'
export type { Explanation, FailedAttempt, LastError, RecordedError, WaitsFor } from './explanation.ts'
export type { AnyGraph, ExitKind, Exits, GraphOf } from './graph.ts'
export type { CallbackHandler, JoinHandler, StepHandler, TimeoutHandler } from './handler.ts'
export type { ClientInfrastructure, Infrastructure, OutboxOptions, WorkerInfrastructure } from './infrastructure.ts'
export type { HandlerFunction, HandlerInfo, Interceptor } from './interception.ts'
export type { Duration } from './model/duration.ts'
export type { MovedBy } from './model/history-entry.ts'
export type { DiagramDirection, DiagramOptions } from './model/mermaid.ts'
export type { RunState } from './model/run-state.ts'
export type { GraphNode, Transition, TransitionGraph } from './model/transition-graph.ts'
export type { BackOff, ConnectorOptions, ExponentialBackOff, ProcessOptions, StepOptions, TimeoutOptions } from './options.ts'
export type { Clock } from './ports/clock.ts'
export type { Codec } from './ports/codec.ts'
export type { Connector } from './ports/connector.ts'
export type { EventStreamer } from './ports/event-streamer.ts'
export type { Attributes, Instrumentation, Observed, SpanKind, SpanStart } from './ports/instrumentation.ts'
export type { Logger } from './ports/logger.ts'
export type { Random } from './ports/random.ts'
export type { RecordStore } from './ports/record-store.ts'
export type { RoleScheduler } from './ports/role-scheduler.ts'
export type { TimeoutStore } from './ports/timeout-store.ts'
export type { ConsumerLag, RunChange } from './run-changes.ts'
export type { HistoryQuery, RunHistoryEntry } from './run-history.ts'
export type { MovePreview, PastMove } from './run-move.ts'
export type { RunTimer, TimersQuery } from './run-timers.ts'
export type {
  AnyRun,
  AnySnapshot,
  Commit,
  ConnectorEvent,
  DeletedRun,
  HandlerContext,
  Metadata,
  Outcome,
  Run,
  RunParentInfo,
  RunPauseInfo,
  RunSnapshot,
  TransactionalRun,
  TriggerItem,
  TriggerOptions,
  TriggerResult,
} from './run.ts'
export { type Schema, unchecked } from './schema.ts'
export type { Jsonified } from './storable.ts'
export { consoleLogger, type ConsoleLoggerOptions, type LogLevel } from './system/console-logger.ts'
export { after, at, type TimerValue } from './timer-value.ts'
export type {
  AnyWorkflow,
  Audit,
  CallbackOptions,
  CallbackReceipt,
  CountQuery,
  ListQuery,
  ProcessState,
  ResultPage,
  RetryOptions,
  RunTarget,
  ScheduleHandle,
  ScheduleOptions,
  SnapshotOf,
  WaitOptions,
  Workflow,
  WorkflowClient,
} from './workflow-client.ts'
