import {
  assertPageLimit,
  Coalescer,
  decodePageToken,
  encodePageToken,
  ItemFailure,
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
import { payloadOf, recordOf, type RecordRow } from '@workflow/sql'
import type { Queryable } from './database.ts'
import type { PgClient } from './driver.ts'
import { entryColumns, entryOf, type EntryRow } from './event-row.ts'
import { PostgresEventStreamer } from './event-streamer.ts'
import { countRuns, listRuns } from './list-runs.ts'
import { purgeRuns } from './purge-runs.ts'
import { recordColumns } from './record-columns.ts'
import { rewriteRun } from './rewrite-run.ts'
import type { Session } from './session.ts'
import { pageOf, timeoutStore } from './timeout-store.ts'
import { commitInCaller, Transactions } from './transactions.ts'

/** So many look-ups make one statement. */
const lookupsMax = 500

/** The record store of a session. */
export class PostgresRecordStore<Tx> implements RecordStore<Tx> {
  readonly capabilities: StoreCapabilities = { atomicRuns: 'any', transactions: true, losesOnFailover: false }
  readonly timers: TimeoutStore
  readonly outbox: Outbox
  readonly #session: Session
  readonly #outboxStreamer: PostgresEventStreamer
  readonly #transactions: Transactions
  readonly #lookups: Coalescer<string, RunRecord | undefined>
  #closed: Promise<void> | undefined

  constructor(session: Session) {
    this.#session = session
    this.timers = timeoutStore(session, this, () => this.#closed !== undefined)
    this.#outboxStreamer = new PostgresEventStreamer(session, this)
    this.outbox = {
      newReceiver: (options) => this.#outboxStreamer.outboxReceiver(options),
      onAppend: (wake) => session.onAppend(wake),
    }
    this.#transactions = new Transactions(session)
    this.#lookups = new Coalescer<string, RunRecord | undefined>({
      batchMax: lookupsMax,
      name: 'the record store',
      flush: (runIds) => this.#lookup(runIds),
    })
  }

  readonly commit = (unit: Unit, options?: CommitOptions): Promise<CommitResult> => {
    if (this.#closed !== undefined) return Promise.reject(this.#over())
    this.#session.use(this)
    return options === undefined ? this.#session.committer.commit(unit) : this.#commitWith(unit, options)
  }

  readonly transaction: NonNullable<RecordStore<Tx>['transaction']> = async (work, options) => {
    options.signal.throwIfAborted()
    await this.#opened()
    // What pg hands out is what the caller has said that it is.
    return this.#transactions.run((client, commit) => work(client as PgClient & Tx, commit), options)
  }

  readonly lookup = async (runId: string): Promise<RunRecord | undefined> => {
    await this.#opened()
    return this.#lookups.add(runId)
  }

  readonly latest = async (workflowName: string, foreignId: string): Promise<RunRecord | undefined> => {
    const select = `SELECT ${recordColumns} FROM {record} WHERE workflow = $1 AND foreign_id = $2`
    const rows = await (await this.#opened()).query<RecordRow>(
      `(${select} AND ended = 0) UNION ALL (${select} AND ended > 0 ORDER BY ended DESC LIMIT 1)`,
      [workflowName, foreignId],
    )
    const [row] = rows
    return row === undefined ? undefined : recordOf(row, true)
  }

  readonly unfinishedChildren = async (runId: string, join: string, limit: number): Promise<number> => {
    const [row] = await (await this.#opened()).query<[number]>(
      'SELECT count(*) FROM (SELECT 1 FROM {record} WHERE parent_run = $1 AND ended = 0 AND parent_join = $2 LIMIT $3) AS c',
      [runId, join, limit],
    )
    return row?.[0] ?? 0
  }

  readonly list: RecordStore['list'] = async (query, page) => listRuns(await this.#opened(), query, page)

  readonly count: RecordStore['count'] = async (query, by) => countRuns(await this.#opened(), query, by)

  readonly history = async (runId: string, { after, limit, objects, status, fromVersion }: HistoryOptions): Promise<Page<HistoryEntry>> => {
    assertPageLimit({ limit })
    const first = Math.max((decodePageToken('a history', after, ['number'])?.[0] ?? 0) + 1, fromVersion ?? 0)
    // `status` is what the entry leads to; it is in the event's shape, and in the entry where that says otherwise.
    const rows = await (await this.#opened()).query<EntryRow>(
      `SELECT ${objects ? entryColumns : entryColumns.replace('e.object_codec, e.object', 'NULL, NULL')}
       FROM {event} e JOIN {shape} s ON s.id = e.shape
       WHERE e.run = (SELECT seq FROM {record} WHERE run_id = $1) AND e.version >= $2 AND e.entry IS NOT NULL
         AND ($3::text IS NULL OR coalesce(e.entry::json ->> 6, s.status) = $3)
       ORDER BY e.version LIMIT $4`,
      [runId, first, status ?? null, limit + 1],
    )
    return pageOf(
      rows,
      limit,
      (row) => entryOf(row, runId),
      ([version]) => encodePageToken('a history', [version]),
    )
  }

  readonly items = async (runId: string, stream: string, page: PageOptions): Promise<Page<StoredItem>> => {
    assertPageLimit(page)
    const after = decodePageToken('items', page.after, ['number'])?.[0] ?? 0
    const rows = await (await this.#opened()).query<[number, string, string, Uint8Array]>(
      'SELECT pos, item_id, body_codec, body FROM {item} WHERE run_id = $1 AND NOT consumed AND pos > $3 AND stream = $2 ORDER BY pos LIMIT $4',
      [runId, stream, after, page.limit + 1],
    )
    return pageOf(
      rows,
      page.limit,
      ([pos, id, codec, body]) => ({ runId, stream, id, pos, body: payloadOf(codec, body, runId) }),
      ([pos]) => encodePageToken('items', [pos]),
    )
  }

  readonly rewrite: RecordStore['rewrite'] = async (runId, scrub) => rewriteRun(await this.#opened(), runId, scrub)

  readonly purge: RecordStore['purge'] = async (query, limit) => {
    await this.#opened()
    return purgeRuns(this.#session.database, query, limit)
  }

  readonly onConnectionLost = (listener: () => void): Disposable => this.#session.database.onLost(listener)

  readonly close = (): Promise<void> => {
    this.#closed ??= (async () => {
      await this.#outboxStreamer.close()
      await this.#transactions.close()
      await this.#lookups.close()
      await this.#session.done(this)
    })()
    return this.#closed
  }

  async #commitWith(unit: Unit, { tx, signal }: CommitOptions): Promise<CommitResult> {
    signal?.throwIfAborted()
    if (tx !== undefined) {
      await this.#opened()
      return commitInCaller(this.#session, tx, unit)
    }
    const written = this.#session.committer.commit(unit)
    return signal === undefined ? written : abandonable(written, signal)
  }

  async #lookup(runIds: readonly string[]): Promise<readonly (RunRecord | undefined | ItemFailure)[]> {
    const found = new Map<string, RunRecord | ItemFailure>()
    const rows = await this.#session.database.query<RecordRow>(
      `SELECT ${recordColumns} FROM {lookup_1}($1)`,
      [[...new Set(runIds)]],
      'lookup_1',
    )
    for (const row of rows) {
      try {
        found.set(row[1], recordOf(row, true))
      } catch (error) {
        found.set(row[1], new ItemFailure(error))
      }
    }
    return runIds.map((runId) => found.get(runId))
  }

  async #opened(): Promise<Queryable> {
    if (this.#closed !== undefined) throw this.#over()
    await this.#session.ready(this)
    return this.#session.database
  }

  #over(): Stopped {
    return new Stopped('the record store has been closed')
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
