/**
 * What an adapter's author tells the kit: how to open a fresh backend, how to open one more instance on it (the view of
 * another process), how time passes, and, as data, what the adapter can do. Cases look at capabilities, never at names.
 */
import type { Clock, Codec, Connector, EventStreamer, ForeignEvent, RecordStore, RoleScheduler, TimeoutStore } from '@workflow/core/adapter'

/** Tests one port of one adapter. */
export interface Harness<B extends Backend, C> {
  readonly capabilities: C
  /** A new and empty backend, apart from every other. The kit disposes it after closing what it opened. */
  readonly start: () => Promise<B>
}

/** One database, broker or lease store, fresh and empty. Disposing it throws it away. */
export interface Backend extends AsyncDisposable {
  readonly time: HarnessTime
  /**
   * What keeps a process alive now, e.g. the names of open handles. Compared before the first `open` and after everything
   * was closed.
   * @default process.getActiveResourcesInfo()
   */
  readonly alive?: () => readonly string[]
}

/** How time passes for the adapter under test. */
export interface HarnessTime {
  /** The clock that the adapter was given. */
  readonly clock: Clock
  /** Lets at least so much time pass: a virtual clock is advanced, with a turn of the event loop for what that starts; a real one is waited for. */
  readonly pass: (ms: number) => Promise<void>
  /** How long the kit waits before it says that something never happens, in ms of `clock`. @default 10_000 */
  readonly patienceMs?: number
  /** How long nothing must happen before the kit believes that nothing will, in ms of `clock`. @default 100 */
  readonly quietMs?: number
  /** Moves one of the two clocks alone, firing no timer: a machine that slept, a wall clock that was set. */
  readonly jump?: (which: 'wall' | 'monotonic', ms: number) => void
}

/** One instance of an adapter: a process's view of a backend. */
export interface Instance<Port> {
  readonly port: Port
  /** Ends it in good order. Idempotent. */
  readonly close: () => Promise<void>
  /** Ends it like `kill -9`: it gives nothing back, says nothing, writes nothing any more. */
  readonly kill?: () => Promise<void>
}

/** What every backend can be. */
export interface BackendCapabilities {
  /** `open` may be called more than once on one backend. */
  readonly multiInstance: boolean
  /** The data outlives its instances: closing all of them and opening again finds everything. */
  readonly persistent: boolean
}

/** How many things the cases about many things use: small for every day, large for a night. */
export interface Sizes {
  /** Timers pending at once. @default 20_000 */
  readonly timers?: number
  /** Roles held at once. @default 1_000 */
  readonly roles?: number
  /** Events waiting at once. @default 2_000 */
  readonly events?: number
}

// ── RecordStore ──

export interface RecordStoreCapabilities extends BackendCapabilities {
  /** Must be what the store itself says: `capabilities.transactions`. */
  readonly transactions: boolean
  /** Must be what the store itself says: one unit may change several runs (`capabilities.atomicRuns` is `'any'`). */
  readonly atomicRuns: boolean
  /** The backend has `lockRun`, and a lock on one row leaves the others alone. */
  readonly rowLocks: boolean
  /** Writers proceed while another transaction is open. False where the database has a single writer. */
  readonly concurrentWriters: boolean
  /** The backend has `loseConnection`. */
  readonly connectionLoss: boolean
  /** The backend has `begin`, and `commit` takes the caller's transaction. */
  readonly callerTransactions: boolean
  readonly sizes?: Sizes
}

export interface RecordStoreBackend extends Backend {
  readonly open: () => Promise<Instance<RecordStore>>
  /** Locks the stored row of a run from outside of the store until it is disposed. */
  readonly lockRun?: (runId: string) => Promise<AsyncDisposable>
  /** Breaks the connections of an instance; it may connect again by itself. */
  readonly loseConnection?: (instance: Instance<RecordStore>) => Promise<void>
  /** Opens a transaction as a user of the store would, on the same database. */
  readonly begin?: (instance: Instance<RecordStore>) => Promise<CallerTransaction>
}

/** A transaction that belongs to the caller of `commit`. */
export interface CallerTransaction {
  readonly tx: unknown
  readonly commit: () => Promise<void>
  readonly rollBack: () => Promise<void>
}

export type RecordStoreHarness = Harness<RecordStoreBackend, RecordStoreCapabilities>

// ── TimeoutStore ──

export interface TimeoutStoreCapabilities extends BackendCapabilities {
  readonly sizes?: Sizes
}

export interface TimeoutStoreBackend extends Backend {
  readonly open: () => Promise<Instance<TimeoutStore>>
}

export type TimeoutStoreHarness = Harness<TimeoutStoreBackend, TimeoutStoreCapabilities>

// ── EventStreamer ──

export interface EventStreamerCapabilities extends BackendCapabilities {
  /** Where events come from: a streamer that reads a record store's commits, one that is sent to, or both. Every case runs once for each. */
  readonly feeds: readonly Feed[]
  /** Instances have `kill`. */
  readonly kill: boolean
  /** The backend has `loseEvents`. */
  readonly eventLoss: boolean
  /** `store` has `transaction`, and others commit while one is open: events may become visible out of order. @default false */
  readonly lateCommits?: boolean
  readonly sizes?: Sizes
}

/** How events reach a streamer. */
export type Feed = 'store' | 'sender'

export interface EventStreamerBackend extends Backend {
  readonly open: () => Promise<EventStreamerInstance>
  /** Makes the stream forget what it still has of a topic and slot, as retention or a restored backup does. */
  readonly loseEvents?: (topic: string, slot: number) => Promise<void>
}

export interface EventStreamerInstance extends Instance<EventStreamer> {
  /** The streamer's `source`, where events come from a store. `close` closes it, too. */
  readonly store?: RecordStore
}

export type EventStreamerHarness = Harness<EventStreamerBackend, EventStreamerCapabilities>

// ── RoleScheduler ──

export interface RoleSchedulerCapabilities extends BackendCapabilities {
  /** Instances have `kill`. */
  readonly kill: boolean
  /** The backend has `steal`. */
  readonly steal: boolean
  /** `time.jump` exists, and the scheduler reads both clocks of `time.clock`. */
  readonly clockJumps: boolean
  readonly sizes?: Sizes
}

export interface RoleSchedulerBackend extends Backend {
  /** Opens an instance by that name. */
  readonly open: (name: string) => Promise<Instance<RoleScheduler>>
  /** How long a lease lasts without renewal, in ms of `time.clock`. Short where time is real. */
  readonly leaseMs: number
  /** Takes a role away from its holder behind its back, as an operator or a restored lease store does: the holder finds out at its next renewal. */
  readonly steal?: (role: string) => Promise<void>
}

export type RoleSchedulerHarness = Harness<RoleSchedulerBackend, RoleSchedulerCapabilities>

// ── Connector ──

export interface ConnectorBackend extends Backend {
  readonly open: () => Promise<Instance<Connector>>
  /** Puts events into the foreign stream, in order, as its owner would. `at` is set by the stream. */
  readonly publish: (events: readonly PublishedEvent[]) => Promise<void>
}

/** What a case asks the foreign stream to hold. A stream that gives ids itself need not keep `id`, but must keep it stable. */
export type PublishedEvent = Pick<ForeignEvent, 'key' | 'value'> & Partial<Pick<ForeignEvent, 'headers'>>

export interface ConnectorCapabilities extends BackendCapabilities {
  /** Events have headers. */
  readonly headers: boolean
  /** Events may begin at a date. */
  readonly fromDate: boolean
}

export type ConnectorHarness = Harness<ConnectorBackend, ConnectorCapabilities>

// ── Codec, Clock ──

export interface CodecCapabilities {
  /** The codec has `forget`. `subjectOf` tells whose key a context uses. */
  readonly forgets: boolean
  /** Bytes that were made for another context are refused. */
  readonly authenticates: boolean
}

export interface CodecBackend extends Backend {
  readonly codec: Codec
}

export type CodecHarness = Harness<CodecBackend, CodecCapabilities>

/** A clock on its own, e.g. one that was written for tests. */
export type ClockHarness = Harness<Backend, object>
