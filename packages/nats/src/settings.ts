import { checkedMs, Configuration, consoleLogger, type Duration, type Logger } from '@workflow/core/adapter'
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'
import { serverAddresses } from './server-address.ts'

/** Options of `nats`. */
export interface NatsOptions {
  /**
   * Where the servers are, e.g. `'nats://127.0.0.1:4222'`. One or several of a cluster. `nats://user:password@…` and `nats://token@…` are
   * understood, and `tls://…` connects by TLS or not at all.
   */
  readonly servers?: string | readonly string[]
  /**
   * Credentials, TLS and whatever else the client knows, beside `servers`. Unless this says otherwise it reconnects for ever, and gives up a
   * connection whose server answers no ping for up to 9 s: `pingInterval` 3,000 ms, `maxPingOut` 2. More, where a link is slow.
   */
  readonly connect?: Omit<NodeConnectionOptions, 'servers'>
  /** Instead of `servers`: a connection of your own, which stays yours. */
  readonly connection?: NatsConnection
  /** What names of streams and subjects begin with: letters, digits and `-`, 32 at most. @default 'workflow' */
  readonly prefix?: string
  /** Whether missing streams are created and existing ones brought to these options. `false`: a missing one is `Configuration`. @default true */
  readonly create?: boolean
  /** On how many servers each stream is kept: 1, 3 or 5. @default 3 in a cluster, else 1 */
  readonly replicas?: 1 | 3 | 5
  /** @default 'file' */
  readonly storage?: 'file' | 'memory'
  /** After how long an event is dropped, whoever has not read it. @default '7d' */
  readonly maxAge?: Duration
  /** How many bytes of events a workflow has at most, before the oldest are dropped. @default no limit */
  readonly maxBytes?: number
  /** How long an event stays after every durable receiver has acknowledged it. @default '10m' */
  readonly keep?: Duration
  /** How long an answer of the server may take. @default '5s' */
  readonly requestTimeout?: Duration
  /** How often a process looks whether a stream that it reads is still whole, and what of it is to be deleted. @default '5s' */
  readonly checkFrequency?: Duration
  /** @default consoleLogger */
  readonly logger?: Logger
}

/** `NatsOptions`, checked and with defaults. */
export interface Settings {
  readonly servers: readonly string[]
  readonly connect: Omit<NodeConnectionOptions, 'servers'>
  readonly connection: NatsConnection | undefined
  readonly prefix: string
  readonly create: boolean
  readonly replicas: 1 | 3 | 5 | undefined
  readonly storage: 'file' | 'memory'
  readonly maxAgeMs: number
  readonly maxBytes: number | undefined
  readonly keepMs: number
  readonly requestTimeoutMs: number
  readonly checkMs: number
  readonly logger: Logger
}

const known: ReadonlySet<string> = new Set([
  'servers',
  'connect',
  'connection',
  'prefix',
  'create',
  'replicas',
  'storage',
  'maxAge',
  'maxBytes',
  'keep',
  'requestTimeout',
  'checkFrequency',
  'logger',
] satisfies (keyof NatsOptions)[])

/** Checks options. Throws `Configuration`. */
export function settingsOf(options: NatsOptions): Settings {
  // From JavaScript anything may come.
  if (typeof options !== 'object' || options === null)
    throw new Configuration(`nats takes an object of options, like nats({ servers }); got ${JSON.stringify(options)}`)
  for (const name of Object.keys(options))
    if (!known.has(name)) throw new Configuration(`nats has no option ${JSON.stringify(name)}; it knows ${[...known].join(', ')}`)
  return {
    ...placeOf(options),
    prefix: prefixOf(options.prefix),
    create: oneOf('create', options.create ?? true, [true, false]),
    replicas: options.replicas === undefined ? undefined : oneOf('replicas', options.replicas, [1, 3, 5]),
    storage: oneOf('storage', options.storage ?? 'file', ['file', 'memory']),
    maxAgeMs: checkedMs(options.maxAge ?? '7d', 'the maxAge of nats', 1),
    maxBytes: maxBytesOf(options.maxBytes),
    keepMs: checkedMs(options.keep ?? '10m', 'the keep of nats', 1),
    requestTimeoutMs: checkedMs(options.requestTimeout ?? '5s', 'the requestTimeout of nats', 1),
    checkMs: checkedMs(options.checkFrequency ?? '5s', 'the checkFrequency of nats', 1),
    logger: options.logger ?? consoleLogger(),
  }
}

function placeOf({ servers, connect, connection }: NatsOptions): Pick<Settings, 'servers' | 'connect' | 'connection'> {
  if ((servers === undefined) === (connection === undefined))
    throw new Configuration('nats needs either servers or a connection: nats({ servers })')
  if (connection !== undefined) {
    if (typeof connection.request !== 'function' || typeof connection.subscribe !== 'function')
      throw new Configuration('the connection of nats must be one of @nats-io/transport-node: await connect(…)')
    if (connect !== undefined) throw new Configuration('connect is for a connection of our own; yours has been made already')
    return { servers: [], connect: {}, connection }
  }
  const list = typeof servers === 'string' ? [servers] : servers
  if (!Array.isArray(list) || list.length === 0 || list.some((server) => typeof server !== 'string' || server === ''))
    throw new Configuration("the servers of nats must be one address or a list of them, like 'nats://127.0.0.1:4222'")
  if (connect !== undefined && (typeof connect !== 'object' || connect === null))
    throw new Configuration('the connect of nats must be an object of options of the client, like { user, pass }')
  return { ...serverAddresses(list, connect ?? {}), connection }
}

function prefixOf(prefix = 'workflow'): string {
  if (typeof prefix !== 'string' || !/^[A-Za-z0-9-]{1,32}$/.test(prefix))
    throw new Configuration(`the prefix of nats must be 1 to 32 letters, digits or '-'; got ${JSON.stringify(prefix)}`)
  return prefix
}

function maxBytesOf(maxBytes: number | undefined): number | undefined {
  if (maxBytes !== undefined && (!Number.isSafeInteger(maxBytes) || maxBytes < 1_048_576))
    throw new Configuration(`the maxBytes of nats must be a whole number, 1048576 or more; got ${String(maxBytes)}`)
  return maxBytes
}

/** Throws `Configuration` unless `value` is one of `choices`. */
export function oneOf<T>(name: string, value: T, choices: readonly T[]): T {
  if (!choices.includes(value))
    throw new Configuration(
      `the ${name} of nats must be ${choices.map((choice) => JSON.stringify(choice)).join(' or ')}; got ${JSON.stringify(value)}`,
    )
  return value
}
