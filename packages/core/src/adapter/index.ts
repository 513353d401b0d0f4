/**
 * What an adapter is built with: the ports and the model, the errors, and tested building blocks for what every
 * adapter needs beside its own storage technique.
 */
export { assertEvent } from './assert-event.ts'
export { assertReceive, type ReceiveCall } from './assert-receive.ts'
export { assertTimerOps } from './assert-timer-ops.ts'
export { askingOf, type AskingOptions, askingOptions } from './asking-options.ts'
export { type AskedValue, askedValues, stoppedValue } from './asked-values.ts'
export { assertUnit } from './assert-unit.ts'
export { backOffMs, type BackOffOptions } from './back-off.ts'
export { Coalescer, ItemFailure, type CoalescerOptions } from './coalescer.ts'
export { ContiguousAcks, type Ticket } from './contiguous-acks.ts'
export { fanOut } from './fan-out.ts'
export { Fifo } from './fifo.ts'
export { HeldRole } from './held-role.ts'
export { limits } from './limits.ts'
export { loggableError, loggableMessage } from './loggable-error.ts'
export {
  askedMetrics,
  type AskedMetricName,
  type AskedMetricSpec,
  attemptBuckets,
  callBuckets,
  counterMetrics,
  gaugeMetrics,
  histogramMetrics,
  type HistogramSpec,
  metricList,
  type MetricSpec,
  missingAnswers,
} from './metric-list.ts'
export {
  type InstanceReading,
  type Missing,
  type ObservedAsking,
  type ObservedQuestion,
  observedQuestions,
  ObservedWorkflows,
  type WorkflowReading,
} from './observed-workflows.ts'
export { assertPageLimit, decodePageToken, encodePageToken, type KeyOf, type PageKey } from './page-token.ts'
export { planRoles, type Participant, type RoleDemand } from './role-plan.ts'
export { spreadRoles, type SpreadRole } from './role-spread.ts'
export { isTlsFault } from './tls-fault.ts'
export { WaitingRoles, type RoleTaker, type WaitingRolesEvents } from './waiting-roles.ts'
export { Wakeup } from './wakeup.ts'

export {
  Configuration,
  EventsLost,
  Fenced,
  InvalidArgument,
  isWorkflowError,
  LeaseLost,
  Shredded,
  Stopped,
  StoreCorrupt,
  StoredByNewer,
  StoreUnavailable,
  Unsupported,
  WorkflowError,
  errorCodes,
  type ErrorCode,
  type WorkflowErrorOptions,
} from '../errors.ts'

export { checkedBoolean, checkedMs } from '../model/option-check.ts'

export { type AttemptNote, replacesNote } from '../model/attempt-note.ts'
export { durationMs, type Duration } from '../model/duration.ts'
export type { HistoryEntry, MovedBy } from '../model/history-entry.ts'
export type { Item, StoredItem } from '../model/item.ts'
export type { Payload } from '../model/payload.ts'
export { roleOf, type Fence } from '../model/role.ts'
export type { RunEvent } from '../model/run-event.ts'
export type { Page, PageOptions, RunQuery } from '../model/run-query.ts'
export type { RunParent, RunPause, RunRecord } from '../model/run-record.ts'
export { isFinished, isLegalMove, runStates, type RunState } from '../model/run-state.ts'
export { slotOf } from '../model/slot.ts'
export { soonestOf, timerId, type StoredTimer, type Timer, type TimerKey, type TimerOp } from '../model/timer.ts'
export { stateTopicOf, topicOf } from '../model/topic.ts'
export type { Append, Busy, Change, CommitResult, Committed, Consume, NextRecord, Refused, Unit } from '../model/unit.ts'

export type { Clock } from '../ports/clock.ts'
export type { Codec, CodecContext, PayloadKind } from '../ports/codec.ts'
export type { ConnectOptions, Connector, ForeignEvent } from '../ports/connector.ts'
export type {
  Delivery,
  DurableReceiverOptions,
  EphemeralReceiverOptions,
  EventReceiver,
  EventSender,
  EventStreamer,
  ReceiveOptions,
  ReceiverInfo,
  ReceiverOptions,
  ReceiverSpec,
  SlotClaim,
  StreamLayout,
} from '../ports/event-streamer.ts'
export type { Attributes, Instrumentation, Observed, SpanStart } from '../ports/instrumentation.ts'
export type { Logger } from '../ports/logger.ts'
export type { Outbox, OutboxReceiverOptions } from '../ports/outbox.ts'
export type { Random } from '../ports/random.ts'
export type { CommitOptions, HistoryOptions, PayloadPlace, RecordStore, StoreCapabilities } from '../ports/record-store.ts'
export type { AwaitRoleOptions, RoleHolder, RoleLease, RoleScheduler } from '../ports/role-scheduler.ts'
export type { DueQuery, SlotQuery, TimeoutStore, TimerQuery } from '../ports/timeout-store.ts'
export { consoleLogger } from '../system/console-logger.ts'
export { systemClock } from '../system/system-clock.ts'
export { systemRandom } from '../system/system-random.ts'
export { jsonCodec } from './json-codec.ts'
