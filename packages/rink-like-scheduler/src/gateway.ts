/**
 * etcd over its JSON gateway, which every etcd from 3.4 on has at its client port. A request is sent once, to one endpoint:
 * whoever asks knows whether it may be sent again.
 */
import { Configuration, StoreUnavailable } from '@workflow/core/adapter'
import type { EtcdDriver, Snapshot, Transaction, TransactionResult, WatchBatch } from './driver.ts'
import { Endpoints } from './endpoints.ts'
import { asWorkflowError, EtcdRefusal, EtcdReplaced, isLeaseGone, isTokenStale, refusalOf } from './etcd-error.ts'
import type { Settings } from './settings.ts'
import {
  encoded,
  rangeOf,
  readEntry,
  readTransaction,
  readWatch,
  revisionOf,
  type WireEntry,
  type WireHeader,
  type WireTransactionResult,
  type WireWatch,
  writeTransaction,
} from './wire.ts'

interface Answer {
  readonly header?: WireHeader
}

/** What `read` asks for at once, in keys. */
const pageMax = 1_000

export class Gateway implements EtcdDriver {
  readonly #endpoints: Endpoints
  readonly #settings: Settings
  #token: Promise<string> | undefined
  #clusterId: string | undefined
  /** The latest revision that an answer spoke of. */
  #revision = 0n
  #wentBack = false

  constructor(settings: Settings) {
    this.#settings = settings
    this.#endpoints = new Endpoints(settings.endpoints, settings.tls, settings.clock)
  }

  readonly grantLease = async (ttlSeconds: number): Promise<{ readonly leaseId: string; readonly ttlSeconds: number }> => {
    const { ID, TTL } = await this.#ask<{ readonly ID: string; readonly TTL: string }>('/v3/lease/grant', { TTL: String(ttlSeconds) })
    return { leaseId: ID, ttlSeconds: Number(TTL) }
  }

  readonly renewLease = async (leaseId: string, timeoutMs: number): Promise<{ readonly ttlSeconds: number; readonly revision: bigint }> => {
    type Renewed = { readonly result?: Answer & { readonly TTL?: string } }
    const { result } = await this.#ask<Renewed>('/v3/lease/keepalive', { ID: leaseId }, timeoutMs)
    // No word of a lease is not the word that there is none.
    if (result === undefined) throw new StoreUnavailable('etcd does not say whether the lease lives')
    const revision = revisionOf(result.header)
    this.#remember(revision)
    return { ttlSeconds: Number(result.TTL ?? '0'), revision }
  }

  readonly revokeLease = async (leaseId: string): Promise<void> => {
    try {
      await this.#ask('/v3/lease/revoke', { ID: leaseId })
    } catch (error) {
      if (!isLeaseGone(error)) throw error
    }
  }

  readonly transact = async (transaction: Transaction): Promise<TransactionResult> =>
    readTransaction(await this.#askInOrder<WireTransactionResult>('/v3/kv/txn', writeTransaction(transaction)))

  readonly read = async (prefix: string): Promise<Snapshot> => {
    type Page = Answer & { readonly kvs?: readonly WireEntry[]; readonly more?: boolean }
    const range = rangeOf(prefix)
    let page = await this.#askInOrder<Page>('/v3/kv/range', { ...range, limit: pageMax })
    const revision = revisionOf(page.header)
    const entries = (page.kvs ?? []).map(readEntry)
    while (page.more === true) {
      const key = encoded(`${entries.at(-1)?.key}\0`)
      page = await this.#askInOrder<Page>('/v3/kv/range', { ...range, key, limit: pageMax, revision: String(revision) })
      for (const entry of page.kvs ?? []) entries.push(readEntry(entry))
    }
    return { revision, entries }
  }

  readonly hasChanged = async (prefix: string, after: bigint, count: number): Promise<boolean> => {
    type Found = Answer & { readonly kvs?: readonly WireEntry[]; readonly count?: string }
    const found = await this.#askInOrder<Found>('/v3/kv/range', {
      ...rangeOf(prefix),
      // `count` is of all keys in the range, whatever this leaves out.
      min_mod_revision: String(after + 1n),
      keys_only: true,
      limit: 1,
    })
    return (found.kvs ?? []).length > 0 || Number(found.count ?? '0') !== count
  }

  async *watch(prefix: string, from: bigint, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    const body = JSON.stringify({ create_request: { ...rangeOf(prefix), start_revision: String(from) } })
    const where = this.#endpoints.where
    try {
      for await (const line of this.#endpoints.lines({ path: '/v3/watch', body, headers: await this.#headers() }, signal)) {
        // What etcd writes, a line each.
        const batch = readWatch(JSON.parse(line) as WireWatch)
        if (batch === undefined) continue
        // Also what others have written: only a store of the past is behind it.
        if ('changes' in batch) for (const { revision } of batch.changes) this.#remember(revision)
        yield batch
      }
    } catch (error) {
      throw asWorkflowError(error, where)
    }
  }

  readonly clusterId = (): string | undefined => this.#clusterId

  readonly hasGoneBack = (): boolean => this.#wentBack

  readonly noteGoneBack = (): void => {
    this.#wentBack = true
  }

  readonly acceptGoneBack = (): void => {
    this.#wentBack = false
  }

  readonly close = (): void => this.#endpoints.close()

  /** Asks for what is answered in the order of revisions: one that lies before what was known when it was asked is a store of the past. */
  async #askInOrder<T extends Answer>(path: string, body: object): Promise<T> {
    const [known, cluster, where] = [this.#revision, this.#clusterId, this.#endpoints.where]
    const answer = await this.#ask<T>(path, body)
    const [revision, clusterId] = [revisionOf(answer.header), answer.header?.cluster_id]
    this.#clusterId = clusterId
    if (clusterId !== cluster && cluster !== undefined) {
      this.#revision = revision
      throw asWorkflowError(new EtcdReplaced('it is a member of another cluster than before'), where)
    }
    if (revision < known) {
      this.#revision = revision
      this.#wentBack = true
      throw asWorkflowError(
        new EtcdReplaced(`it is at revision ${revision} and was at ${known} before: restored from a backup, or emptied`),
        where,
      )
    }
    this.#remember(revision)
    return answer
  }

  #remember(revision: bigint): void {
    if (revision > this.#revision) this.#revision = revision
  }

  async #ask<T>(path: string, body: object, timeoutMs = this.#settings.requestTimeoutMs): Promise<T> {
    const where = this.#endpoints.where
    const text = JSON.stringify(body)
    let used: Promise<string> | undefined
    const post = async (): Promise<T> => {
      const headers = await this.#headers()
      used = this.#token
      return this.#post<T>({ path, body: text, headers }, timeoutMs)
    }
    try {
      return await post().catch((error: unknown) => {
        if (used === undefined || !(error instanceof EtcdRefusal && isTokenStale(error))) throw error
        // Whoever finds it out first asks for another, and all use that.
        if (this.#token === used) this.#token = undefined
        return post()
      })
    } catch (error) {
      throw asWorkflowError(error, where)
    }
  }

  /** The caller says what etcd answers to this. */
  async #post<T>(call: Parameters<Endpoints['call']>[0], timeoutMs: number): Promise<T> {
    const { status, text } = await this.#endpoints.call(call, timeoutMs)
    if (status === 200) return JSON.parse(text) as T
    throw refusalOf(status, text)
  }

  async #headers(): Promise<Readonly<Record<string, string>>> {
    // A member that has lost its cluster says so, instead of going on in silence.
    const always = { 'grpc-metadata-hasleader': 'true' }
    if (this.#settings.auth === undefined) return always
    this.#token ??= this.#authenticate(this.#settings.auth)
    return { ...always, authorization: await this.#token }
  }

  async #authenticate({ username, password }: NonNullable<Settings['auth']>): Promise<string> {
    try {
      const body = JSON.stringify({ name: username, password })
      const { token } = await this.#post<{ readonly token?: string }>(
        { path: '/v3/auth/authenticate', body, headers: {} },
        this.#settings.requestTimeoutMs,
      )
      if (token === undefined) throw new Configuration('etcd has given no token for auth')
      return token
    } catch (error) {
      this.#token = undefined
      throw error
    }
  }
}
