/** What callers hold: the client of a workflow, and the workflow itself. */
import type { AnyContract, InputOf, ObjectOf, PayloadInput, StartOf, StatusOf, StatusWith, TerminalOf } from './any-contract.ts'
import type { Compatibility, CompatibilityOptions } from './compatibility.ts'
import type { CronSpec } from './cron-spec.ts'
import type { Explanation } from './explanation.ts'
import type { Duration } from './model/duration.ts'
import type { DiagramOptions } from './model/mermaid.ts'
import type { RunState } from './model/run-state.ts'
import type { TransitionGraph } from './model/transition-graph.ts'
import type { AnySnapshot, DeletedRun, Metadata, RunSnapshot, TriggerItem, TriggerOptions, TriggerResult } from './run.ts'
import type { ConsumerLag, RunChange } from './run-changes.ts'
import type { HistoryQuery, RunHistoryEntry } from './run-history.ts'
import type { MovePreview } from './run-move.ts'
import type { RunTimer, TimersQuery } from './run-timers.ts'

/** A snapshot of a run of this contract. */
export type SnapshotOf<C extends AnyContract, S extends string = StatusOf<C>> = RunSnapshot<ObjectOf<C>, S>

/** Which run: by its id, or the unfinished one of a foreign id. */
export type RunTarget = { readonly runId: string; readonly foreignId?: never } | { readonly foreignId: string; readonly runId?: never }

/** Who does it, and why. Both are kept in the run's history. */
export interface Audit {
  readonly reason: string
  readonly actor: string
  /**
   * The version that the actor has seen: if the run has moved since, the call rejects with `StaleVersion` and changes nothing.
   * @default whatever it is
   */
  readonly ifVersion?: number
}

/** What a retry starts with, and who asked for it. */
export interface RetryOptions<In, Start extends string = string> extends Partial<TriggerOptions<In, Start>> {
  /** Kept with the first version of the new run; `ifVersion` is about the old one. */
  readonly audit?: Audit
  /**
   * The same key for the same run is the same retry: sent again it answers with the same new run, wherever that has got to.
   * @default a random one
   */
  readonly key?: string
}

/** What ends waiting early. Only the waiting: the run goes on. */
export interface WaitOptions {
  /** Rejects with its reason when aborted. */
  readonly signal?: AbortSignal
  /** Rejects with `AwaitTimeout` when it has passed. */
  readonly timeout?: Duration
}

/** Fields are combined with "and", the values of a list with "or". */
export interface ListQuery<Status extends string = string> {
  readonly status?: Status | readonly Status[]
  readonly state?: RunState | readonly RunState[]
  readonly foreignId?: string
  /** Every pair must be in the run's metadata. */
  readonly metadata?: Metadata
  /** Only the children of this run. */
  readonly parentRunId?: string
  /** Inclusive. */
  readonly createdAfter?: Date
  /** Exclusive. */
  readonly createdBefore?: Date
  /** Exclusive: runs that nothing has moved since. */
  readonly updatedBefore?: Date
  /** @default 'newest' */
  readonly order?: 'oldest' | 'newest'
  /** The `cursor` of the page before. */
  readonly cursor?: string
  /**
   * At most this many runs, 1 to 1,000.
   * @default 100
   */
  readonly limit?: number
}

/** Which runs to count: as in a list. */
export type CountQuery<Status extends string = string> = Omit<ListQuery<Status>, 'order' | 'cursor' | 'limit'>

/**
 * A page of results. Give `cursor` to get the next one; it is absent on the last. A page of runs with a cursor may have fewer
 * than the limit, or none: the store has looked through many that do not fit, and there are more to look through.
 */
export interface ResultPage<T> {
  readonly items: readonly T[]
  readonly cursor?: string
}

/** How a callback is handed in, and whether to wait for its handler. */
export interface CallbackOptions<Wait extends boolean = boolean> extends WaitOptions {
  /**
   * Keep a callback that comes early, or meets a paused run, until the run waits for it, instead of rejecting with `RunNotWaiting`.
   * @default false
   */
  readonly queue?: boolean
  /**
   * Resolve to the run once the callback has been handled, or reject with `CallbackFailed`. `signal` and `timeout` end
   * only the waiting: an accepted callback is handled all the same.
   * @default false
   */
  readonly wait?: Wait
  /**
   * The same key for the same run is the same callback: sent again it changes nothing.
   * @default a random one
   */
  readonly key?: string
}

/**
 * That a callback was stored with its run. It will be handled, whatever happens to this process; unless the run leaves the
 * status first, by an earlier callback or by a cancel: then it is refused, which `wait` reports and the log tells.
 */
export interface CallbackReceipt {
  readonly runId: string
  readonly key: string
  /** It came early or met a paused run, and waits in the run's inbox. */
  readonly queued: boolean
}

/** What each run of a schedule starts with, and when there is none. */
export interface ScheduleOptions<In, Start extends string = string> {
  /** The object of each run, or a function from the time that the run is for. */
  readonly initialValue: In | ((firesAt: Date) => In)
  readonly startAt?: Start
  /** Starts no run where it resolves to false. */
  readonly filter?: (firesAt: Date) => Promise<boolean>
  /**
   * An IANA name, e.g. `'Europe/Berlin'`.
   * @default 'UTC'
   */
  readonly timezone?: string
  /**
   * Start a run for every time that passed while no instance was there, instead of for the last one only.
   * @default false
   */
  readonly catchUp?: boolean
}

/** A schedule that is registered. It outlives the process; disposing the handle is the same as `stop()`. */
export interface ScheduleHandle extends AsyncDisposable {
  /** Ends the schedule for every instance. Runs that it has started go on. Idempotent. */
  stop(): Promise<void>
}

/** What the web UI, the CLI and the metrics need of any workflow. Statuses are strings here, checked at run time. */
export interface AnyWorkflow {
  readonly contract: AnyContract
  /** The run as it is stored now; undefined if there is none with this id. */
  lookup(runId: string): Promise<AnySnapshot | undefined>
  /** By creation, in pages that stay stable while runs change. */
  list(query?: ListQuery): Promise<ResultPage<AnySnapshot>>
  /** How many runs there are per status or run state; without the zeros. May lag behind by as much as the store's replicas do. */
  count(by: 'status' | 'state', query?: CountQuery): Promise<ReadonlyMap<string, number>>
  /** By version, from the first. */
  history(runId: string, query?: HistoryQuery): Promise<ResultPage<RunHistoryEntry>>
  /** Every timer that the run has had, in the order in which they were set. */
  timers(runId: string, query?: TimersQuery): Promise<ResultPage<RunTimer>>
  /**
   * What runs do, by whatever instance, in order per run, at the pace of the reader: for people who watch. Each change from
   * the moment when this resolves comes at least once, but for what the stream loses; what was before is in `list` and
   * `history`. Leaves nothing behind. The iteration ends without an error when `signal` aborts or the client closes.
   */
  changes(options: { readonly signal: AbortSignal }): Promise<AsyncIterable<RunChange>>
  /** How far behind the consumers of this workflow are, over all instances. */
  lag(): Promise<readonly ConsumerLag[]>
  /** Why the run is where it is, and what would move it on. */
  explain(runId: string): Promise<Explanation>
  /**
   * Which unfinished runs this code would strand: ask before you deploy it. Reads only, so it may be asked of a store in
   * use; takes some seconds where there are a million runs. Where only the contract is known, names of timeouts are not
   * compared: ask a definition's client, or the built workflow.
   */
  compatibility(options?: CompatibilityOptions): Promise<Compatibility>
  /** Each of these rejects with `IllegalMove` if the run's state does not allow it, and with `RunNotFound`. */
  pause(runId: string, audit: Audit): Promise<void>
  resume(runId: string, audit: Audit): Promise<void>
  cancel(runId: string, audit: Audit): Promise<void>
  /** Of a finished run: replaces its object wherever it is kept. Resolves when the wish is stored; the worker carries it out. */
  deleteData(runId: string, audit: Audit): Promise<void>
  /**
   * Moves a run by hand to another status of its graph, or into the same one anew, and lets it go on from there: back, to
   * run again what went wrong; forward, past what cannot be done. Only a run that is paused, or whose last attempt has failed;
   * else it rejects with `IllegalMove`. The stay it leaves is over: its timers are cancelled, the callbacks that were accepted
   * for it are refused. The new stay has a new idempotency key, so what runs again is not taken for a repetition.
   */
  moveTo(runId: string, status: string, audit: Audit): Promise<void>
  /** What `moveTo` would do: ask before. Changes nothing, and rejects as `moveTo` would. */
  previewMove(runId: string, status: string): Promise<MovePreview>
  /** Starts a finished run anew, under the same foreign id, and resolves to the new run's id. */
  retry(runId: string, options?: { readonly audit?: Audit; readonly key?: string }): Promise<string>
  /** Mermaid text. */
  diagram(options?: DiagramOptions): string
  graph(): TransitionGraph
}

/** Trigger, call back, await, inspect and control runs, from a process that needs no handlers. `close` ends it. */
export interface WorkflowClient<C extends AnyContract> extends AnyWorkflow {
  readonly contract: C
  /** Starts a run and resolves to its id. Rejects with `WorkflowInProgress` while the foreign id has an unfinished one. */
  trigger(foreignId: string, options: TriggerOptions<InputOf<C>, StartOf<C>>): Promise<string>
  /**
   * Starts many runs, written in batches. Each is for itself, as by `trigger`: the results, in the order of the items, say of
   * each its run id or its error, and one that fails is no reason for another to.
   */
  triggerMany(items: readonly TriggerItem<InputOf<C>, StartOf<C>>[]): Promise<readonly TriggerResult[]>
  /** Resolves once the run has reached one of the statuses, also if that was earlier. Rejects with `RunFinished` if it ended elsewhere. */
  await<const S extends StatusOf<C>>(runId: string, status: S | readonly S[], options?: WaitOptions): Promise<RunSnapshot<ObjectOf<C>, S>>
  /** Resolves once the run is completed. Rejects with `RunFinished` if it was cancelled. */
  awaitCompletion(runId: string, options?: WaitOptions): Promise<RunSnapshot<ObjectOf<C>, TerminalOf<C>>>
  /** Validates the payload and stores it with the run. Rejects with `ValidationError`, `RunNotFound` or `RunNotWaiting`; nothing has changed then. */
  callback<const S extends StatusWith<C, 'callback'>, Wait extends boolean = false>(
    target: RunTarget,
    status: S,
    ...payload: undefined extends PayloadInput<C, S>
      ? [payload?: PayloadInput<C, S>, options?: CallbackOptions<Wait>]
      : [payload: PayloadInput<C, S>, options?: CallbackOptions<Wait>]
  ): Promise<Wait extends true ? SnapshotOf<C> : CallbackReceipt>
  /** Starts a run at each time of `spec`, by one instance of all. The same foreign id again replaces the schedule. */
  schedule(foreignId: string, spec: CronSpec, options: ScheduleOptions<InputOf<C>, StartOf<C>>): Promise<ScheduleHandle>
  /** Like `AnyWorkflow.retry`; what `options` gives replaces what the old run had. */
  retry(runId: string, options?: RetryOptions<InputOf<C>, StartOf<C>>): Promise<string>
  moveTo(runId: string, status: StatusOf<C>, audit: Audit): Promise<void>
  previewMove(runId: string, status: StatusOf<C>): Promise<MovePreview<StatusOf<C>>>
  /** The run as it is stored now; undefined if there is none with this id. */
  lookup(runId: string): Promise<SnapshotOf<C> | DeletedRun<StatusOf<C>> | undefined>
  count(by: 'status' | 'state', query?: CountQuery<StatusOf<C>>): Promise<ReadonlyMap<string, number>>
  list(query?: ListQuery<StatusOf<C>>): Promise<ResultPage<SnapshotOf<C> | DeletedRun<StatusOf<C>>>>
  history(runId: string, query?: HistoryQuery): Promise<ResultPage<RunHistoryEntry<ObjectOf<C>, StatusOf<C>>>>
  /** Ends what waits and leaves nothing alive; later calls reject with `Stopped`. The stop of a workflow includes it. Idempotent. */
  close(): Promise<void>
}

/** What a process of this instance does: waits for its role, works, or has ended. */
export interface ProcessState {
  /** E.g. `'step created'`. */
  readonly name: string
  readonly state: 'idle' | 'running' | 'shutdown'
}

/** A workflow at work: a client that also runs the handlers. */
export interface Workflow<C extends AnyContract> extends WorkflowClient<C>, AsyncDisposable {
  /**
   * Resolves when every process has registered. Keeps trying, after a second, later after half a minute, while the store or the
   * stream cannot be reached, and says so in the log; rejects with what trying again cannot mend, after which it may be called
   * again, and with `Stopped`. Idempotent.
   */
  run(): Promise<void>
  /**
   * Takes no more work, lets handlers in hand finish within the limit, aborts the rest. Idempotent; nothing is left alive
   * afterwards. `timeout` defaults to the infrastructure's `shutdownTimeout`.
   * What was aborted has one second more to give its roles back; what does not answer even then is left, with an error in the log.
   */
  stop(options?: { readonly timeout?: Duration }): Promise<void>
  /** Every process of this instance; none before `run()`. */
  states(): readonly ProcessState[]
  /** Whether every process has registered and the workflow has not been stopped. For readiness probes. */
  ready(): boolean
  /** Whether no process is stuck. For liveness probes. */
  healthy(): boolean
}
