/**
 * The connection of one `nats(…)`: made at the first use, shared by everything that is opened from it. Tells those who
 * read when it has come back, because what was announced meanwhile has been missed.
 *
 * A connection that cannot be made is tried anew by the next call; one that was made and lost is the client's to mend.
 */
import { Configuration, isTlsFault, Stopped, type WorkflowError } from '@workflow/core/adapter'
import { jetstream, jetstreamManager, type JetStreamClient } from '@nats-io/jetstream'
import { connect, type NatsConnection, type Status } from '@nats-io/transport-node'
import { type Api, askMs } from './insistence.ts'
import { isNobody, isStreamMissing, jetStreamIsOff, natsError, tlsFault } from './nats-error.ts'
import type { Settings } from './settings.ts'
import { StateStore } from './state-store.ts'
import { ensureStateStream, streamInfo } from './streams.ts'
import { Names } from './subject.ts'

/** What a connection offers. */
export interface Link extends Api {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly state: StateStore
  /** How many bytes a message may have. */
  readonly maxPayload: number
  /** By stream, how many of them the stream takes, where that is known; -1 where it sets no limit of its own. */
  readonly messageBytesMax: Map<string, number>
}

/** Who wants to hear of the connection, and of the time. */
export interface Listener {
  /** The connection has come back; what was said meanwhile is lost. */
  readonly onReconnect: () => void
  /** About once a second. */
  readonly onBeat: () => void
}

/** A connection that was there once is worth waiting for, also where the server refuses for a while who it knows. */
const forEver = { maxReconnectAttempts: -1, reconnectTimeWait: 250, ignoreAuthErrorAbort: true }
/** A connection whose server answers no ping for up to nine seconds is given up; by the client's own defaults that is six minutes. */
const alive = { pingInterval: 3_000, maxPingOut: 2 }
/** A stack for each request, in case that it fails, costs more than the request: the errors are wrapped in ours anyway. */
const withoutTraces = { noAsyncTraces: true }
const beatMs = 1_000
const quietMs = 30_000
const versionMin = '2.10'

export class Session {
  readonly settings: Settings
  readonly names: Names
  readonly #listeners = new Set<Listener>()
  /** Subjects of events of which the server is known to know that they were used. */
  readonly marked: Set<string> = new Set()
  /** When trouble with a stream was told last. */
  readonly #troubles = new Map<string, number>()
  #link: Promise<Link> | undefined
  #beat: NodeJS.Timeout | undefined
  #unwatch: (() => void) | undefined
  #restoring: Promise<void> | undefined
  #closed = false

  constructor(settings: Settings) {
    this.settings = settings
    this.names = new Names(settings.prefix)
  }

  /** The connection. Throws `StoreUnavailable` where there is no server, `Configuration` where it cannot be used, `Stopped` after `close`. */
  async link(): Promise<Link> {
    this.assertOpen()
    const connecting = (this.#link ??= this.#connect())
    try {
      return await connecting
    } catch (error) {
      if (this.#link === connecting) this.#link = undefined
      throw error
    }
  }

  assertOpen(): void {
    if (this.#closed) throw new Stopped('this connection to NATS has been closed; open a new one')
  }

  /** Runs `work` on the connection, and makes its errors ours. */
  async run<T>(what: string, work: (link: Link) => Promise<T>): Promise<T> {
    const link = await this.link()
    this.assertOpen()
    try {
      return await work(link)
    } catch (error) {
      this.assertOpen()
      if (isNobody(error) || isStreamMissing(error)) await (this.#restoring ??= this.#restore(link))
      throw natsError(error, what)
    }
  }

  /** Where the stream of cursors has been deleted underneath, another takes its place. Holders find out: they hold nothing there. */
  async #restore(link: Link): Promise<void> {
    const { names, settings } = this
    try {
      if (!settings.create || (await streamInfo(link, names.stateStream)) !== undefined) return
      settings.logger.error({ stream: names.stateStream }, 'the stream of cursors was deleted underneath; creating it again')
      await ensureStateStream(link, names, settings, link.connection.info?.cluster !== undefined)
      this.marked.clear()
      await link.state.restore()
    } catch (error) {
      settings.logger.warn({ stream: names.stateStream, error }, 'the stream of cursors could not be looked after; trying again')
    } finally {
      this.#restoring = undefined
    }
  }

  /** A stream cannot be read: said once for all topics of all receivers, and again after a while. */
  trouble(stream: string, error: unknown): void {
    const now = performance.now()
    if (now - (this.#troubles.get(stream) ?? Number.NEGATIVE_INFINITY) < quietMs) return
    this.#troubles.set(stream, now)
    this.settings.logger.warn({ stream, error }, 'the stream cannot be read; trying again')
  }

  listen(listener: Listener): void {
    this.#listeners.add(listener)
    this.#beat ??= setInterval(() => {
      for (const one of this.#listeners) one.onBeat()
    }, beatMs)
  }

  unlisten(listener: Listener): void {
    this.#listeners.delete(listener)
    if (this.#listeners.size > 0) return
    clearInterval(this.#beat)
    this.#beat = undefined
  }

  /** Closes the connection if it is ours. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#listeners.clear()
    clearInterval(this.#beat)
    const link = await this.#link?.catch(() => undefined)
    this.#unwatch?.()
    if (this.settings.connection === undefined) await link?.connection.close()
  }

  async #connect(): Promise<Link> {
    const { settings } = this
    const timeout = settings.requestTimeoutMs
    let connection: NatsConnection | undefined
    try {
      connection =
        settings.connection ??
        (await connect({ ...forEver, ...alive, ...withoutTraces, timeout, ...settings.connect, servers: [...settings.servers] }))
      assertVersion(connection)
      const manager = await jetstreamManager(connection, { timeout })
      const asker = await jetstreamManager(connection, { timeout: Math.min(timeout, askMs), checkAPI: false })
      const api: Api = { manager, asker, patienceMs: timeout }
      const client = jetstream(connection, { timeout })
      const state = new StateStore(api, client, this.names.stateStream)
      await ensureStateStream(api, this.names, settings, connection.info?.cluster !== undefined)
      this.#watch(connection)
      return { ...api, connection, client, state, maxPayload: connection.info?.max_payload ?? 1_048_576, messageBytesMax: new Map() }
    } catch (error) {
      if (settings.connection === undefined) await connection?.close()
      throw connectError(error, `connecting to ${settings.servers.join(', ') || 'NATS'}`)
    }
  }

  #watch(connection: NatsConnection): void {
    // The cast holds for every version of the client that there is, and only whoever lends a connection would notice if it did not.
    const statuses = connection.status() as AsyncIterable<Status> & { readonly stop?: () => void }
    this.#unwatch = () => statuses.stop?.()
    void (async () => {
      for await (const { type } of statuses) {
        if (type === 'reconnect') for (const listener of this.#listeners) listener.onReconnect()
      }
    })()
  }
}

function assertVersion({ info }: NatsConnection): void {
  const version = info?.version ?? '0'
  if (version.localeCompare(versionMin, 'en', { numeric: true }) < 0)
    throw new Configuration(
      `this server is NATS ${version}, and @workflow/nats needs ${versionMin} or newer, for consumers with several filters: update the server`,
      { details: { version } },
    )
}

/** Before there is anything of ours, nobody to answer means that there is no JetStream; later it may be on its way. */
function connectError(error: unknown, what: string): WorkflowError {
  if (error instanceof Error && error.name === 'JetStreamNotEnabled') return jetStreamIsOff(what, error)
  // The client looks for files of certificates when it connects.
  const isFileMissing = error instanceof Error && error.message.endsWith("doesn't exist")
  return isFileMissing || isTlsFault(error) ? tlsFault(what, error) : natsError(error, what)
}
