/** Options of this package, checked and with defaults. */
import { checkedMs, type Clock, Configuration, consoleLogger, type Duration, type Logger, systemClock } from '@workflow/core/adapter'
import type { KafkaDriver } from './driver.ts'
import { kafkajsDriver, type KafkaJsOptions } from './kafkajs-driver.ts'

/** Options of `kafka`. */
export interface KafkaOptions {
  /** Where brokers are: `['kafka-1:9092', 'kafka-2:9092']`. A few are enough, the others are found. */
  readonly brokers?: readonly string[]
  /** How this program is called in the brokers' logs and quotas. @default 'workflow' */
  readonly clientId?: string
  /** TLS: true, or options of Node's `tls.connect`, e.g. `ca`, `cert` and `key`. @default false */
  readonly ssl?: KafkaJsOptions['ssl']
  /** User and password, or another mechanism of kafkajs: `{ mechanism: 'scram-sha-512', username, password }`. @default none */
  readonly sasl?: KafkaJsOptions['sasl']
  /** Instead of the options above: a client of your own, which this package closes. */
  readonly driver?: KafkaDriver
  /** What the names of our topics begin with. Letters, digits and `-`, with single dots between them, 60 at most. @default 'workflow' */
  readonly prefix?: string
  /** `'create'` makes topics that are missing, `'require'` throws `Configuration` for them. @default 'create' */
  readonly topics?: 'create' | 'require'
  /** How many partitions a new topic of events gets: its number of slots, or more. @default one per slot */
  readonly partitions?: number
  /** How many brokers keep each record of a new topic. -1 leaves it to the brokers. @default -1 */
  readonly replicationFactor?: number
  /** Settings of new topics of events, e.g. `{ 'retention.ms': '604800000' }`. @default those of the brokers, with LogAppendTime and the cleanup policy delete */
  readonly topicSettings?: Readonly<Record<string, string>>
  /** How long a connection may take to be made. @default '3s' */
  readonly connectionTimeout?: Duration
  /**
   * How long a request may take. One to write that takes longer is sent again once, on a new connection; replicas may take three quarters of
   * it before the broker says that they are late. @default '10s'
   */
  readonly requestTimeout?: Duration
  /** @default consoleLogger */
  readonly logger?: Logger
  /** @default systemClock */
  readonly clock?: Clock
}

/** `KafkaOptions`, checked and with defaults. */
export interface Settings {
  readonly driver: KafkaDriver
  readonly prefix: string
  readonly create: boolean
  readonly partitions: number | undefined
  readonly replicationFactor: number
  readonly topicSettings: Readonly<Record<string, string>>
  readonly logger: Logger
  readonly clock: Clock
}

const known: ReadonlySet<string> = new Set([
  'brokers',
  'clientId',
  'ssl',
  'sasl',
  'driver',
  'prefix',
  'topics',
  'partitions',
  'replicationFactor',
  'topicSettings',
  'connectionTimeout',
  'requestTimeout',
  'logger',
  'clock',
] satisfies (keyof KafkaOptions)[])

const prefixLengthMax = 60
const ofConnections = ['brokers', 'clientId', 'ssl', 'sasl', 'connectionTimeout', 'requestTimeout'] as const

/** Checks options. Throws `Configuration`. */
export function settingsOf(options: KafkaOptions): Settings {
  // From JavaScript anything may come.
  if (typeof options !== 'object' || options === null)
    throw new Configuration(`kafka takes an object of options, like kafka({ brokers: ['127.0.0.1:9092'] }); got ${JSON.stringify(options)}`)
  for (const name of Object.keys(options))
    if (!known.has(name)) throw new Configuration(`kafka has no option ${JSON.stringify(name)}; it knows ${[...known].join(', ')}`)
  const {
    prefix = 'workflow',
    topics = 'create',
    partitions,
    replicationFactor = -1,
    topicSettings = {},
    logger = consoleLogger(),
    clock = systemClock,
  } = options
  if (typeof prefix !== 'string' || !/^[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*$/.test(prefix) || prefix.length > prefixLengthMax)
    refuse('prefix', `letters, digits and -, with single dots between them, ${prefixLengthMax} at most`, prefix)
  if (topics !== 'create' && topics !== 'require') refuse('topics', "'create' or 'require'", topics)
  if (partitions !== undefined && !isCount(partitions)) refuse('partitions', 'a whole number, 1 or more', partitions)
  if (replicationFactor !== -1 && !isCount(replicationFactor))
    refuse('replicationFactor', 'a whole number, 1 or more, or -1', replicationFactor)
  if (
    typeof topicSettings !== 'object' ||
    topicSettings === null ||
    Object.values(topicSettings).some((value) => typeof value !== 'string')
  )
    refuse('topicSettings', 'an object of texts', topicSettings)
  return {
    driver: options.driver ?? driverOf(options, logger),
    prefix,
    create: topics === 'create',
    partitions,
    replicationFactor,
    // Whatever the brokers do with topics of which nothing is said.
    topicSettings: { 'message.timestamp.type': 'LogAppendTime', 'cleanup.policy': 'delete', ...topicSettings },
    logger,
    clock,
  }
}

function driverOf(options: KafkaOptions, logger: Logger): KafkaDriver {
  const { brokers, clientId = 'workflow', ssl, sasl, connectionTimeout = '3s', requestTimeout = '10s' } = options
  if (
    !Array.isArray(brokers) ||
    brokers.length === 0 ||
    !brokers.every((broker) => typeof broker === 'string' && /^[^:/\s]+:\d+$/.test(broker))
  )
    refuse('brokers', "a list like ['127.0.0.1:9092'], or pass a driver", brokers)
  if (typeof clientId !== 'string' || clientId === '') refuse('clientId', 'a text', clientId)
  if (ssl !== undefined && typeof ssl !== 'boolean' && (typeof ssl !== 'object' || ssl === null))
    refuse('ssl', 'true, or options of TLS like { ca }', ssl)
  // Without what was given: a password may be in it.
  if (sasl !== undefined && (typeof sasl !== 'object' || sasl === null || typeof sasl.mechanism !== 'string'))
    throw new Configuration("kafka: sasl must be like { mechanism: 'scram-sha-512', username, password }")
  return kafkajsDriver({
    brokers: [...brokers],
    clientId,
    connectionTimeout: checkedMs(connectionTimeout, 'the connectionTimeout of kafka', 1),
    requestTimeout: checkedMs(requestTimeout, 'the requestTimeout of kafka', 1),
    ...(ssl === undefined ? {} : { ssl: typeof ssl === 'object' ? { ...ssl } : ssl }),
    // A copy: kafkajs writes into it how to log in, with these credentials, also where they are changed in a copy of it later.
    ...(sasl === undefined ? {} : { sasl: { ...sasl } }),
    // What matters of it comes as an error to whoever asked.
    log: (_level, fields, message) => logger.debug(fields, message),
  })
}

/** With a driver, options of connections would be passed over in silence. */
export function assertOneClient(options: KafkaOptions): void {
  if (options.driver === undefined) return
  const both = ofConnections.filter((name) => options[name] !== undefined)
  if (both.length > 0) throw new Configuration(`kafka takes a driver, or ${both.join(', ')}, not both`)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1
}

function refuse(name: string, wanted: string, got: unknown): never {
  throw new Configuration(`kafka: ${name} must be ${wanted}; got ${JSON.stringify(got)}`)
}
