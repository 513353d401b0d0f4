/** What a client and a worker are built on: ports and their limits, as users give them. */
import type { Duration } from './model/duration.ts'
import type { BackOff, StepOptions } from './options.ts'
import type { Clock } from './ports/clock.ts'
import type { Codec } from './ports/codec.ts'
import type { Connector } from './ports/connector.ts'
import type { EventStreamer } from './ports/event-streamer.ts'
import type { Instrumentation } from './ports/instrumentation.ts'
import type { Logger } from './ports/logger.ts'
import type { Random } from './ports/random.ts'
import type { RecordStore } from './ports/record-store.ts'
import type { RoleScheduler } from './ports/role-scheduler.ts'
import type { TimeoutStore } from './ports/timeout-store.ts'

/** What a process needs that triggers, calls back, awaits and controls, but runs no handlers. */
export interface ClientInfrastructure {
  readonly recordStore: RecordStore
  readonly eventStreamer: EventStreamer
  /** @default the system's */
  readonly clock?: Clock
  /** @default the runtime's */
  readonly random?: Random
  /** @default the console, for warnings and errors */
  readonly logger?: Logger
  /** @default JSON */
  readonly codec?: Codec
  /**
   * Where measurements and traces go. Several: all of them measure, and their spans nest, the first outermost.
   * @default none
   */
  readonly instrumentation?: Instrumentation | readonly Instrumentation[]
  /**
   * How this process is called in histories and explanations.
   * @default the role scheduler's name for it, else a short random one
   */
  readonly instance?: string
  /**
   * Into how many slots the runs are spread: the most instances that can share a workflow. The same everywhere, and fixed
   * when the workflow is first used. 1 to 1,024.
   * @default 16
   */
  readonly slots?: number
  /**
   * The most that an encoded object, payload or error may take.
   * @default 1_048_576
   */
  readonly maxObjectBytes?: number
  /** @default 255 */
  readonly maxForeignIdLength?: number
  /**
   * Whether the history keeps the object of each version.
   * @default true
   */
  readonly historyObjects?: boolean
  /**
   * How long a client's call goes on trying to reach the store.
   * @default '10s'
   */
  readonly storeTimeout?: Duration
  /**
   * How often an await looks for itself, in case a wake-up was missed.
   * @default '5s'
   */
  readonly awaitPollingFrequency?: Duration
}

/** What a process needs that runs handlers. `Tx` is what its transactional steps are handed. */
export interface WorkerInfrastructure<Tx = unknown> extends ClientInfrastructure {
  readonly recordStore: RecordStore<Tx>
  readonly roleScheduler: RoleScheduler
  /** What holds for every process of the workflow that does not say otherwise. */
  readonly defaults?: StepOptions
  /**
   * After how long a run is resumed that the engine has paused; `false` = never. What a person paused stays paused.
   * @default '1h'
   */
  readonly autoResume?: Duration | false
  /** How committed events reach a streamer that does not read the store by itself; `false` if something else sends them. */
  readonly outbox?: OutboxOptions | false
  /**
   * How many events this process has in hand at most.
   * @default 1024
   */
  readonly maxInFlight?: number
  /**
   * Up to which delay a retry waits in memory; longer ones become timers.
   * @default '5s'
   */
  readonly retryInPlace?: Duration
  /**
   * How often to look for runs whose event was lost.
   * @default '1m'
   */
  readonly sweepFrequency?: Duration
  /**
   * How long `stop()` lets handlers finish.
   * @default '30s'
   */
  readonly shutdownTimeout?: Duration
  /**
   * Which generation of the code this is: the higher one takes roles over from the lower. 0 or more.
   * @default 0
   */
  readonly generation?: number
}

/** How the relay from the store to the stream reads and sends. */
export interface OutboxOptions {
  /** @default '250ms' */
  readonly pollingFrequency?: Duration
  /** @default '500ms' */
  readonly errBackOff?: BackOff
  /** @default '1m' */
  readonly lagAlert?: Duration
  /**
   * How many events are sent at once, at most. Up to three such batches are in memory at a time.
   * @default 1000
   */
  readonly batch?: number
}

/** What `build` takes: a timeout store where the graph has timeouts, a connector for each `addConnector`. */
export type Infrastructure<Timed extends string = never, Tx = unknown, Sources extends string = never> = WorkerInfrastructure<Tx> &
  ([Timed] extends [never] ? { readonly timeoutStore?: TimeoutStore } : { readonly timeoutStore: TimeoutStore }) &
  ([Sources] extends [never] ? { readonly connectors?: {} } : { readonly connectors: { readonly [N in Sources]: Connector } })
