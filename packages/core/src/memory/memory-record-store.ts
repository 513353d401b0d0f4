import { assertPageLimit, decodePageToken, encodePageToken } from '../adapter/page-token.ts'
import { assertUnit } from '../adapter/assert-unit.ts'
import { InvalidArgument, Unsupported } from '../errors.ts'
import type { HistoryEntry } from '../model/history-entry.ts'
import type { StoredItem } from '../model/item.ts'
import type { Page, PageOptions, RunQuery } from '../model/run-query.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { CommitResult, Unit } from '../model/unit.ts'
import type { Clock } from '../ports/clock.ts'
import type { Outbox, OutboxReceiverOptions } from '../ports/outbox.ts'
import type { CommitOptions, HistoryOptions, RecordStore } from '../ports/record-store.ts'
import { systemClock } from '../system/system-clock.ts'
import { memoryDatabase, type MemoryDatabase } from './memory-database.ts'
import type { MemoryReceiver } from './memory-receiver.ts'
import { closedError, timersOf } from './memory-timeout-store.ts'
import { pageOfRows } from './ordered-rows.ts'
import { matchesQuery } from './run-query-match.ts'
import { scrubRun } from './run-scrub.ts'
import { locksOf, StagedUnits } from './staged-units.ts'
import type { StoredRun } from './stored-run.ts'
import { applyUnit, type UnitEffects } from './unit-application.ts'
import { refusalOf, replayedAnswer } from './unit-decision.ts'

/** Options of `memoryRecordStore`. */
export interface MemoryRecordStoreOptions<Tx = unknown> {
  /** Share it to see the same runs from several stores. @default a new, empty one, whose events go to the outbox */
  readonly database?: MemoryDatabase
  /** When events were sent. @default systemClock */
  readonly clock?: Clock
  /** Makes what `transaction` hands to its work; without it the store has no transactions. Memory has nothing to roll back of it. */
  readonly transaction?: () => Tx
}

/** The reference of a record store: everything in this process's memory, nothing survives it. */
export function memoryRecordStore<Tx = unknown>(options: MemoryRecordStoreOptions<Tx> = {}): RecordStore<NoInfer<Tx>> {
  // `NoInfer`, or a call without `transaction` would take the type of whatever it is handed to.
  return openRecordStore(options).port
}

/** The store, and a way to end it as if its process had died. */
export function openRecordStore<Tx>(options: MemoryRecordStoreOptions<Tx>): { readonly port: RecordStore<Tx>; readonly kill: () => void } {
  const store = new MemoryRecordStore(options)
  return { port: store.port(), kill: () => store.kill() }
}

class MemoryRecordStore<Tx> {
  readonly #database: MemoryDatabase
  readonly #clock: Clock
  readonly #newTransaction: (() => Tx) | undefined
  readonly #receivers = new Set<MemoryReceiver>()
  /** The open transactions of this store, by what their work was handed. */
  readonly #transactions = new Map<unknown, StagedUnits>()
  /** Ends the open transactions when the store is killed. */
  readonly #killed = new AbortController()
  readonly #inFlight = new Set<Promise<unknown>>()
  readonly #effects: UnitEffects
  #closed = false

  constructor(options: MemoryRecordStoreOptions<Tx>) {
    const database = options.database ?? memoryDatabase({ committedEvents: 'outbox' })
    const clock = options.clock ?? systemClock
    this.#database = database
    this.#clock = clock
    this.#newTransaction = options.transaction
    this.#effects = { timers: (ops) => database.timers.apply(ops), event: (event) => database.publish(event, clock.now()) }
  }

  port(): RecordStore<Tx> {
    const assertOpen = (): void => this.#assertOpen()
    return {
      capabilities: { atomicRuns: 'any', transactions: this.#newTransaction !== undefined, losesOnFailover: false },
      timers: timersOf(this.#database, assertOpen),
      commit: async (unit, options) => this.#commit(unit, options),
      ...(this.#newTransaction === undefined ? {} : { transaction: this.#transactionOf(this.#newTransaction) }),
      lookup: async (runId) => this.#runs().find(runId)?.current(),
      latest: async (workflowName, foreignId) => this.#latest(workflowName, foreignId)?.current(),
      unfinishedChildren: async (runId, join, limit) => Math.min(limit, this.#runs().unfinishedChildren(runId, join)),
      list: async (query, page) => this.#list(query, page),
      count: async (query, by) => this.#count(query, by),
      history: async (runId, page) => this.#history(runId, page),
      items: async (runId, stream, page) => this.#items(runId, stream, page),
      rewrite: async (runId, scrub) => {
        const run = this.#runs().find(runId)
        if (run !== undefined) await scrubRun(this.#database, run, scrub)
      },
      purge: async (query, limit) => this.#purge(query, limit),
      outbox: this.#outbox(),
      onConnectionLost: () => ({ [Symbol.dispose]: () => undefined }),
      close: () => this.#close(),
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw closedError()
  }

  #runs(): MemoryDatabase['runs'] {
    this.#assertOpen()
    return this.#database.runs
  }

  #commit(unit: Unit, options: CommitOptions | undefined): CommitResult {
    this.#assertOpen()
    options?.signal?.throwIfAborted()
    assertUnit(unit)
    if (options?.tx !== undefined) return this.#openTransaction(options.tx).add(unit)
    const database = this.#database
    if (database.locks.size > 0 && database.isLocked(locksOf(unit), new Set())) return { ok: false, reason: 'busy' }
    const refusal = database.knowsUnit(unit) ? 'replayed' : refusalOf(unit, database.runs)
    if (refusal === 'replayed') return replayedAnswer(unit, database.runs, true)
    if (refusal !== undefined) return refusal
    const seqs = applyUnit(unit, database.runs, this.#effects)
    database.noteUnit(unit)
    return { ok: true, replayed: false, final: true, seqs }
  }

  #openTransaction(tx: unknown): StagedUnits {
    const staged = this.#transactions.get(tx)
    if (staged === undefined)
      throw new InvalidArgument("commit: tx is no open transaction of this store; give the one that 'transaction' handed to its work")
    return staged
  }

  #transactionOf(newTransaction: () => Tx): NonNullable<RecordStore<Tx>['transaction']> {
    return async (work, { signal }) => {
      this.#assertOpen()
      signal.throwIfAborted()
      const tx = newTransaction()
      const staged = new StagedUnits(this.#database)
      this.#transactions.set(tx, staged)
      const commit = async (unit: Unit): Promise<CommitResult> => {
        assertUnit(unit)
        return this.#openTransaction(tx).add(unit)
      }
      const running = abortable((async () => work(tx, commit))(), AbortSignal.any([signal, this.#killed.signal]))
      this.#inFlight.add(running)
      try {
        const result = await running
        staged.write(this.#clock.now())
        return result
      } finally {
        this.#inFlight.delete(running)
        this.#transactions.delete(tx)
        staged.unlock()
      }
    }
  }

  #latest(workflowName: string, foreignId: string): StoredRun | undefined {
    const runs = this.#runs()
    return runs.unfinishedOf(workflowName, foreignId) ?? runs.ofForeignId(workflowName, foreignId).at(-1)
  }

  #list(query: RunQuery, page: PageOptions): Page<RunRecord> {
    assertPageLimit(page)
    const newest = query.order === 'newest'
    const listing = newest ? 'runs, newest first' : 'runs'
    const [after] = decodePageToken(listing, page.after, ['bigint']) ?? []
    const { items, next } = pageOfRows(
      this.#candidates(query),
      after === undefined ? undefined : Number(after),
      page.limit,
      newest,
      (run) => matchesQuery(query, run.bare),
    )
    return { items: items.map((run) => run.record), ...(next === undefined ? {} : { next: encodePageToken(listing, [BigInt(next)]) }) }
  }

  /** The smallest list by `seq` that has all runs of the query. */
  #candidates({ workflowName, foreignId, parent }: RunQuery): readonly StoredRun[] {
    const runs = this.#runs()
    if (workflowName !== undefined && foreignId !== undefined) return runs.ofForeignId(workflowName, foreignId)
    if (parent !== undefined) return runs.ofParent(parent.runId)
    return workflowName === undefined ? runs.all.rows : runs.ofWorkflow(workflowName)
  }

  #count(query: RunQuery, by: 'status' | 'runState'): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const run of this.#candidates(query)) {
      if (run.gone || !matchesQuery(query, run.bare)) continue
      counts.set(run.bare[by], (counts.get(run.bare[by]) ?? 0) + 1)
    }
    return counts
  }

  #history(runId: string, page: HistoryOptions): Page<HistoryEntry> {
    assertPageLimit(page)
    const [after] = decodePageToken('history', page.after, ['number']) ?? []
    const run = this.#runs().find(runId)
    const items: HistoryEntry[] = []
    for (let version = Math.max((after ?? 0) + 1, page.fromVersion ?? 1); run !== undefined && version <= run.version; version++) {
      const entry = page.objects ? run.entry(version) : run.entryWithoutObject(version)
      if (entry === undefined || (page.status !== undefined && entry.to !== page.status)) continue
      if (items.length === page.limit) return { items, next: encodePageToken('history', [items.at(-1)?.version ?? 0]) }
      items.push(entry)
    }
    return { items }
  }

  #items(runId: string, stream: string, page: PageOptions): Page<StoredItem> {
    assertPageLimit(page)
    const [after] = decodePageToken('items', page.after, ['number']) ?? []
    const found =
      this.#runs()
        .find(runId)
        ?.inboxes?.get(stream)
        ?.after(after ?? 0, page.limit + 1) ?? []
    const items = found.slice(0, page.limit)
    return { items, ...(found.length > page.limit ? { next: encodePageToken('items', [items.at(-1)?.pos ?? 0]) } : {}) }
  }

  #purge(query: RunQuery & { readonly finishedBefore: Date }, limit: number): number {
    const runs = this.#runs()
    const condemned: StoredRun[] = []
    for (const run of this.#candidates(query)) {
      if (condemned.length >= limit) break
      const { finishedAt } = run.bare
      if (!run.gone && finishedAt !== undefined && finishedAt < query.finishedBefore && matchesQuery(query, run.bare)) condemned.push(run)
    }
    for (const run of condemned) {
      runs.remove(run)
      this.#database.timers.removeOwner(run.runId)
    }
    return condemned.length
  }

  #outbox(): Outbox {
    return {
      newReceiver: async (options: OutboxReceiverOptions) => {
        this.#assertOpen()
        const { outbox } = this.#database
        if (outbox === undefined)
          throw new Unsupported(
            "the events of this memory database go straight to its own event streamer; for a relay make the database with committedEvents: 'outbox'",
          )
        const receiver = await outbox.newReceiver(options, (gone) => this.#receivers.delete(gone))
        this.#receivers.add(receiver)
        return receiver
      },
      onAppend: (wake) => {
        this.#database.outbox?.listeners.add(wake)
        return { [Symbol.dispose]: () => this.#database.outbox?.listeners.delete(wake) }
      },
    }
  }

  async #close(): Promise<void> {
    this.#closed = true
    for (const receiver of this.#receivers) receiver.stop()
    await Promise.allSettled(this.#inFlight)
  }

  kill(): void {
    this.#closed = true
    this.#killed.abort(closedError())
    for (const receiver of this.#receivers) receiver.stop()
  }
}

/** What `work` answers, unless the signal is aborted first. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
