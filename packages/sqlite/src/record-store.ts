import {
  assertPageLimit,
  assertUnit,
  decodePageToken,
  encodePageToken,
  Stopped,
  type CommitOptions,
  type CommitResult,
  type HistoryEntry,
  type HistoryOptions,
  type Outbox,
  type Page,
  type PageOptions,
  type RecordStore,
  type RunRecord,
  type StoreCapabilities,
  type StoredItem,
  type TimeoutStore,
  type Unit,
} from '@workflow/core/adapter'
import { payloadOf, recordColumns, recordOf, type RecordRow } from '@workflow/sql'
import { applyUnit } from './apply-unit.ts'
import { CallerTransactions } from './caller-transactions.ts'
import type { Connection } from './connection.ts'
import type { SqliteDatabase } from './driver.ts'
import { entryColumns, entryOf, type EntryRow } from './event-row.ts'
import { SqliteEventStreamer } from './event-streamer.ts'
import { countRuns, listRuns } from './list-runs.ts'
import { purgeRuns } from './purge-runs.ts'
import { rewriteRun } from './rewrite-run.ts'
import type { Session } from './session.ts'
import { timeoutStore } from './timeout-store.ts'
import { Transactions } from './transactions.ts'
import type { Job } from './writer.ts'

/** The record store of a session. */
export class SqliteRecordStore implements RecordStore<SqliteDatabase> {
  readonly capabilities: StoreCapabilities
  readonly timers: TimeoutStore
  readonly outbox: Outbox
  readonly transaction?: NonNullable<RecordStore<SqliteDatabase>['transaction']>
  readonly #session: Session
  readonly #outboxStreamer: SqliteEventStreamer
  readonly #callers: CallerTransactions
  readonly #transactions: Transactions | undefined
  #closed: Promise<void> | undefined

  constructor(session: Session, transactions: false | { readonly limitMs: number }) {
    this.#session = session
    this.capabilities = { atomicRuns: 'any', transactions: transactions !== false, losesOnFailover: false }
    this.timers = timeoutStore(session, this, () => this.#closed !== undefined)
    this.#outboxStreamer = new SqliteEventStreamer(session, this)
    this.outbox = {
      newReceiver: (options) => this.#outboxStreamer.outboxReceiver(options),
      onAppend: (wake) => session.onAppend(wake),
    }
    this.#callers = new CallerTransactions(session)
    if (transactions !== false) {
      const own = new Transactions(session, transactions.limitMs)
      this.#transactions = own
      this.transaction = async (work, options) => {
        this.#assertOpen()
        await session.ready(this)
        return own.run(work, options)
      }
    }
  }

  readonly commit = (unit: Unit, options?: CommitOptions): Promise<CommitResult> => {
    try {
      this.#assertOpen()
      assertUnit(unit)
    } catch (error) {
      return Promise.reject(error)
    }
    return options === undefined ? this.#session.write(this, (batch) => applyUnit(batch, unit, true)) : this.#commitWith(unit, options)
  }

  readonly lookup = (runId: string): Promise<RunRecord | undefined> =>
    this.#read((connection) => {
      const row = connection.first<RecordRow>(`SELECT ${recordColumns} FROM {record} WHERE run_id = ?`, runId)
      return row === undefined ? undefined : recordOf(row, true)
    })

  readonly latest = (workflowName: string, foreignId: string): Promise<RunRecord | undefined> =>
    this.#read((connection) => {
      const select = `SELECT ${recordColumns} FROM {record} WHERE workflow = ? AND foreign_id = ?`
      const row =
        connection.first<RecordRow>(`${select} AND ended = 0`, workflowName, foreignId) ??
        connection.first<RecordRow>(`${select} ORDER BY ended DESC LIMIT 1`, workflowName, foreignId)
      return row === undefined ? undefined : recordOf(row, true)
    })

  readonly unfinishedChildren = (runId: string, join: string, limit: number): Promise<number> =>
    this.#read(
      (connection) =>
        connection.value<number>(
          'SELECT count(*) FROM (SELECT 1 FROM {record} WHERE parent_run = ? AND parent_join = ? AND ended = 0 LIMIT ?)',
          runId,
          join,
          limit,
        ) ?? 0,
    )

  readonly list: RecordStore['list'] = async (query, page) => listRuns(this.#read, query, page)

  readonly count: RecordStore['count'] = async (query, by) => countRuns(this.#read, query, by)

  readonly history = async (runId: string, { after, limit, objects, status, fromVersion }: HistoryOptions): Promise<Page<HistoryEntry>> => {
    assertPageLimit({ limit })
    const first = Math.max((decodePageToken('a history', after, ['number'])?.[0] ?? 0) + 1, fromVersion ?? 0)
    // `status` is what the entry leads to; it is in the event, and in the entry where that says otherwise.
    const rows = await this.#read((connection) =>
      connection.raw<EntryRow>(
        `SELECT ${objects ? entryColumns : entryColumns.replace('object_codec, object', 'NULL, NULL')} FROM {event}
       WHERE run = (SELECT seq FROM {record} WHERE run_id = ?) AND version >= ? AND entry IS NOT NULL AND (? IS NULL OR coalesce(entry ->> 6, event ->> 5) = ?)
       ORDER BY version LIMIT ?`,
        runId,
        first,
        status ?? null,
        status ?? null,
        limit + 1,
      ),
    )
    const items = rows.slice(0, limit).map((row) => entryOf(row, runId))
    const last = items.at(-1)
    return { items, ...(rows.length > limit && last !== undefined ? { next: encodePageToken('a history', [last.version]) } : {}) }
  }

  readonly items = async (runId: string, stream: string, page: PageOptions): Promise<Page<StoredItem>> => {
    assertPageLimit(page)
    const after = decodePageToken('items', page.after, ['number'])?.[0] ?? 0
    const rows = await this.#read((connection) =>
      connection.raw<[number, string, string, Uint8Array]>(
        'SELECT pos, item_id, body_codec, body FROM {item} WHERE run_id = ? AND stream = ? AND consumed = 0 AND pos > ? ORDER BY pos LIMIT ?',
        runId,
        stream,
        after,
        page.limit + 1,
      ),
    )
    const items = rows
      .slice(0, page.limit)
      .map(([pos, id, codec, body]) => ({ runId, stream, id, pos, body: payloadOf(codec, body, runId) }))
    const last = items.at(-1)
    return { items, ...(rows.length > page.limit && last !== undefined ? { next: encodePageToken('items', [last.pos]) } : {}) }
  }

  readonly rewrite: RecordStore['rewrite'] = async (runId, scrub) => rewriteRun(this.#read, this.#write, runId, scrub)

  readonly purge: RecordStore['purge'] = async (query, limit) => purgeRuns(this.#write, query, limit)

  /** A file has no connection that could be lost. */
  readonly onConnectionLost = (): Disposable => ({ [Symbol.dispose]: () => undefined })

  readonly close = (): Promise<void> => {
    this.#closed ??= (async () => {
      await this.#outboxStreamer.close()
      await this.#transactions?.close()
      await this.#session.done(this)
    })()
    return this.#closed
  }

  async #commitWith(unit: Unit, { tx, signal }: CommitOptions): Promise<CommitResult> {
    signal?.throwIfAborted()
    if (tx !== undefined) {
      await this.#session.ready(this)
      return this.#callers.commit(tx, unit)
    }
    const written = this.#session.write(this, (batch) => applyUnit(batch, unit, true))
    return signal === undefined ? written : abandonable(written, signal)
  }

  readonly #read = async <T>(work: (connection: Connection) => T): Promise<T> => {
    this.#assertOpen()
    return this.#session.read(this, work)
  }

  readonly #write = async <T>(job: Job<T>): Promise<T> => {
    this.#assertOpen()
    return this.#session.write(this, job)
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new Stopped('the record store has been closed')
  }
}

/** Gives up waiting when `signal` says so; the work goes on. */
async function abandonable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  work.catch(() => undefined)
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
