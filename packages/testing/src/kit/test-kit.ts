/** What a test holds: the verbs of `testKit`, with the types of its definition. */
import type {
  AnyContract,
  CallbackOptions,
  Duration,
  Explanation,
  InputOf,
  ObjectOf,
  PayloadInput,
  RunHistoryEntry,
  SnapshotOf,
  StartOf,
  StatusOf,
  StatusWith,
  TerminalOf,
  TriggerOptions,
  Workflow,
  PayloadOf,
} from '@workflow/core'
import type { VirtualClock } from '../virtual-clock.ts'
import type { Call } from './calls.ts'
import type { Coverage } from './coverage/coverage.ts'
import type { HistorySnapshot, RunSnapshotText, SnapshotOptions } from './snapshot.ts'
import type { HookName } from './mocks.ts'

/** Which run: the newest of a foreign id, or the one with this id. */
export type Which = string | { readonly runId: string }

/** A run that the test has started. */
export interface TestRun {
  readonly runId: string
  readonly foreignId: string
}

/** A timer of a status, while it is open. */
export interface OpenTimeout {
  readonly name: string
  /** When it expires. */
  readonly at: Date
  /** How long until then, in virtual milliseconds. */
  readonly inMs: number
}

/** What the engine has logged. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: { readonly [name: string]: unknown }
  readonly message: string
}

/** An event for a connector; `id` is made up where it is absent. */
export interface PublishedEvent {
  readonly key: string
  readonly value: unknown
  readonly id?: string
  readonly headers?: { readonly [name: string]: string }
}

/**
 * A workflow under test: the real engine in memory, on a clock that moves by itself while the test waits, and stands still
 * otherwise. Every wait rejects with `Stuck` when it would never end, saying which runs wait for what.
 */
export interface TestKit<C extends AnyContract, Sources extends string = never> extends AsyncDisposable {
  /** The workflow itself, running. Await what needs time to pass as `kit.until(kit.workflow.…)`. */
  readonly workflow: Workflow<C>
  /** The kit's time. Hand it to code that waits, instead of `setTimeout`. */
  readonly clock: VirtualClock
  /** What the engine has logged, in order. */
  readonly logs: readonly LogLine[]

  /** Starts a run. No time passes. */
  trigger(foreignId: string, options: TriggerOptions<InputOf<C>, StartOf<C>>): Promise<TestRun>
  /**
   * Lets time pass until the run waits at `status`, then calls back and lets time pass until that has been handled. Resolves
   * to the run as it is then; rejects with `CallbackFailed` when the handler fails.
   */
  triggerCallbackOn<const S extends StatusWith<C, 'callback'>>(
    which: Which,
    status: S,
    ...payload: undefined extends PayloadInput<C, S>
      ? [payload?: PayloadInput<C, S>, options?: Omit<CallbackOptions, 'wait' | 'signal'>]
      : [payload: PayloadInput<C, S>, options?: Omit<CallbackOptions, 'wait' | 'signal'>]
  ): Promise<SnapshotOf<C>>
  /**
   * Lets time pass until the run is at `status` and has a timer there, and tells when it expires. No time passes beyond that.
   * `name` picks one of several. Rejects if the run has no such timer there.
   */
  awaitTimeoutInsert<const S extends StatusWith<C, 'timeout'>>(which: Which, status: S, name?: string): Promise<OpenTimeout>
  /** Lets time pass until the run has reached one of the statuses, now or in the past. Rejects with `RunFinished` if it ended elsewhere. */
  waitFor<const S extends StatusOf<C>>(which: Which, status: S | readonly S[]): Promise<SnapshotOf<C, S>>
  /** Lets time pass until the run is completed. Rejects with `RunFinished` if it was cancelled. */
  waitForCompletion(which: Which): Promise<SnapshotOf<C, TerminalOf<C>>>
  /**
   * Like `waitFor`, and the object must equal `object`, or pass the check: an assertion in it, or a check that does not return
   * `false`. Rejects with an `AssertionError` that shows the difference.
   */
  require<const S extends StatusOf<C>>(
    which: Which,
    status: S,
    object?: ObjectOf<C> | ((object: ObjectOf<C>) => void | boolean | Promise<void | boolean>),
  ): Promise<SnapshotOf<C, S>>
  /** The outcome of something of your own, while time passes. */
  until<T>(work: Promise<T>): Promise<T>

  /** The kit's date and time. */
  now(): Date
  /** Lets so much time pass; whatever comes due happens at its instant, in order, and is finished. */
  advance(duration: Duration): Promise<void>
  /** Like `advance`, to a date. Rejects with `InvalidArgument` for one that has passed. */
  advanceTo(date: Date): Promise<void>
  /** Lets everything happen that needs no time to pass. */
  settle(): Promise<void>

  /** The run as it is now. Rejects with `RunNotFound`. */
  run(which: Which): Promise<SnapshotOf<C>>
  /** Every version of the run, from the first, with its object. */
  history(which: Which): Promise<readonly RunHistoryEntry<ObjectOf<C>, StatusOf<C>>[]>
  /** Why the run is where it is. */
  explain(which: Which): Promise<Explanation>
  /** The run with ids and times that are the same in every test run: for a snapshot of your test runner. */
  snapshot(which: Which, options?: SnapshotOptions): Promise<RunSnapshotText>
  /** Like `snapshot`, for the whole history. */
  historySnapshot(which: Which, options?: SnapshotOptions): Promise<readonly HistorySnapshot[]>

  /** Every call of a handler, real or mocked, in the order in which they began. */
  calls<const S extends StatusWith<C, 'callback'>>(kind: 'callback', status: S): readonly Call<ObjectOf<C>, PayloadOf<C, S>>[]
  calls<const K extends 'step' | 'join', const S extends StatusWith<C, K>>(kind: K, status: S): readonly Call<ObjectOf<C>>[]
  /** `name`: of one timeout among several. */
  calls<const S extends StatusWith<C, 'timeout'>>(kind: 'timeout', status: S, name?: string): readonly Call<ObjectOf<C>>[]
  calls(kind: 'connector', name: Sources): readonly Call[]
  calls(kind: 'hook', name: HookName): readonly Call<ObjectOf<C>>[]

  /** Puts events into the stream of a connector. No time passes. */
  publish(connector: Sources, ...events: readonly PublishedEvent[]): Promise<void>
  /** Which paths this kit's runs have taken so far. */
  coverage(): Coverage
  /** Ends the workflow and every wait; writes the coverage where a folder was named. The same as disposing the kit. Idempotent. */
  stop(): Promise<void>
}
