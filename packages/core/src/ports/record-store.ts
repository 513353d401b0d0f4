import type { HistoryEntry } from '../model/history-entry.ts'
import type { StoredItem } from '../model/item.ts'
import type { Payload } from '../model/payload.ts'
import type { Page, PageOptions, RunQuery } from '../model/run-query.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { CommitResult, Unit } from '../model/unit.ts'
import type { PayloadKind } from './codec.ts'
import type { Outbox } from './outbox.ts'
import type { TimeoutStore } from './timeout-store.ts'

/**
 * Keeps runs: their records, histories, inboxes, notes and timers, and the events of their transitions.
 *
 * `Tx` is what a transactional step is handed. A store without transactions says `unknown`, which satisfies nobody who
 * needs one.
 *
 * Every method throws `StoreUnavailable` (retryable) when the database cannot be reached, is locked for longer than the
 * adapter's limit, is read-only or full; `StoreCorrupt` when a row makes no sense, naming the run; `Stopped` after
 * `close`. A rejected call has changed nothing, except for `commit`, whose outcome is then unknown.
 */
export interface RecordStore<out Tx = unknown> {
  readonly capabilities: StoreCapabilities
  /** Timers of the same database, so that `Unit.timers` is atomic with the rest of the unit. */
  readonly timers: TimeoutStore
  /**
   * Writes a unit: all of it or nothing, durable when it answers. A change goes only over exactly its expected version;
   * a create only if its run id is unknown and the (workflow, foreignId) has no unfinished run, decided by the
   * database. Of racing units on one run exactly one commits.
   *
   * Calls may be coalesced into one round trip. A refused, invalid or locked unit concerns nobody but itself. Units of
   * one caller that are in flight together may commit in any order, except that those of one run keep their order.
   *
   * A throw means that the outcome is unknown: send the same unit again. It is recognised by its id, also after later
   * versions, and answers `replayed`. An invalid unit throws `InvalidArgument` and writes nothing.
   */
  readonly commit: (unit: Unit, options?: CommitOptions) => Promise<CommitResult>
  /**
   * Runs `work` in one transaction, over connections of its own of which there is a limited number. Units given to its
   * `commit` become part of it and answer `final: false`. Commits when `work` resolves, rolls back when it rejects or
   * `signal` aborts; a throw after `work` has resolved means unknown. Absent where `capabilities.transactions` is false.
   */
  readonly transaction?: <T>(
    work: (tx: Tx, commit: (unit: Unit) => Promise<CommitResult>) => Promise<T>,
    options: { readonly signal: AbortSignal },
  ) => Promise<T>
  /** From the primary. Coalesced. */
  readonly lookup: (runId: string) => Promise<RunRecord | undefined>
  /** From the primary: the unfinished run of the foreign id, else the one with the highest `seq`. */
  readonly latest: (workflowName: string, foreignId: string) => Promise<RunRecord | undefined>
  /** From the primary: how many unfinished runs have this parent and join, counted up to `limit`. */
  readonly unfinishedChildren: (runId: string, join: string, limit: number) => Promise<number>
  /** By `seq`, in pages that stay stable while rows change. May lag behind the primary, unless the query names a parent. Records come without their attempts; rows that make no sense are left out, and `lookup` says why. */
  readonly list: (query: RunQuery, page: PageOptions) => Promise<Page<RunRecord>>
  /** How many runs per status or run state; without the zeros. May lag behind the primary. */
  readonly count: (query: RunQuery, by: 'status' | 'runState') => Promise<ReadonlyMap<string, number>>
  /** By version, ascending. `status` keeps the entries that lead to it; `objects: false` leaves the objects out. */
  readonly history: (runId: string, page: HistoryOptions) => Promise<Page<HistoryEntry>>
  /** The unconsumed items of a stream, by `pos`. From the primary. */
  readonly items: (runId: string, stream: string, page: PageOptions) => Promise<Page<StoredItem>>
  /**
   * Replaces every payload that the store has of a run by what `scrub` makes of it: record, history, items, notes,
   * timers. Never changes a version and wakes nobody. Not atomic: after a crash or a throw, call it again; `scrub` must
   * accept its own results.
   */
  readonly rewrite: (runId: string, scrub: (payload: Payload, place: PayloadPlace) => Promise<Payload>) => Promise<void>
  /** Deletes up to `limit` finished runs that match, each with all that it owns, and returns how many. */
  readonly purge: (query: RunQuery & { readonly finishedBefore: Date }, limit: number) => Promise<number>
  /** The committed events, for a streamer that does not read this store by itself. */
  readonly outbox: Outbox
  /** Calls back when a connection was lost, so that commits of which we heard may have been lost by a failover. */
  readonly onConnectionLost: (listener: () => void) => Disposable
  /** Waits for what is in flight, then frees everything that this store opened. Idempotent. */
  readonly close: () => Promise<void>
}

/** What a store can do, as data. */
export interface StoreCapabilities {
  /** Whether one unit may change several runs. `'one'`: such a unit throws `Unsupported`. */
  readonly atomicRuns: 'any' | 'one'
  readonly transactions: boolean
  /** Whether a failover may forget what `commit` had answered. */
  readonly losesOnFailover: boolean
}

/** How one unit is committed. */
export interface CommitOptions {
  /** A transaction of the caller's own, as this store's `Tx`; never batched, answers `final: false`. Something else throws `InvalidArgument`. */
  readonly tx?: unknown
  /** Gives up waiting. The outcome is then unknown. */
  readonly signal?: AbortSignal
}

/** Which page of a history, and with what in it. */
export interface HistoryOptions extends PageOptions {
  readonly objects: boolean
  /** Leaves out the versions before this one. */
  readonly fromVersion?: number
  readonly status?: string
}

/** Where a payload stood when `rewrite` met it. */
export interface PayloadPlace {
  readonly kind: PayloadKind
  /** The version that it belongs to, for history entries and notes. */
  readonly version?: number
}
