/**
 * The driver on kafkajs. Its consumers read what Kafka's group protocol gives them, while here the engine's role scheduler
 * decides who reads what: so reading goes through clusters of kafkajs, and writing, too. Creating uses the public surface.
 */
import { type Admin, Kafka, logLevel, type ISocketFactory, type KafkaConfig } from 'kafkajs'
import type { FetchRequest, Fetched, KafkaDriver, KafkaProducer, NewTopic, Partition } from './driver.ts'
import { type Cluster, clustersOf } from './kafkajs-clusters.ts'
import { fetchedOf } from './kafkajs-records.ts'
import { type FaultKind, KafkaFault, partitionKey } from './driver.ts'
import { IdempotentProducer, type IdempotentProducerOptions } from './idempotent-producer.ts'
import { faultOf } from './kafkajs-fault.ts'
import { setTimeout as pause } from 'node:timers/promises'
import { trackedSockets } from './tracked-sockets.ts'

/** What of kafkajs's settings there is to choose. */
export interface KafkaJsOptions
  extends Pick<KafkaConfig, 'brokers' | 'clientId' | 'ssl' | 'sasl' | 'connectionTimeout' | 'requestTimeout'> {
  /** Opens sockets, in the place of kafkajs. */
  readonly socketFactory?: ISocketFactory
  /** Is told what kafkajs logs. @default nobody */
  readonly log?: (level: 'debug' | 'info' | 'warn' | 'error', fields: object, message: string) => void
}

/** What kafkajs calls ConfigResourceTypes.TOPIC, a name that Node does not find among the exports of a CommonJS module. */
const topicResource = 2
const retry = { retries: 4, initialRetryTime: 50, maxRetryTime: 500 } as const
/** Hundreds of new partitions take a broker some seconds. */
const leaderAttemptsMax: { readonly [kind in FaultKind]?: number } = { 'led elsewhere': 300, missing: 40 }
const leaderPauseMs = 50
/** Of `requestTimeout`: leaders say that their replicas are late before their connection is given up as a silent one. */
const replicasShare = 0.75
/** What kafkajs takes where nothing is said. */
const connectionTimeoutMs = 1_000
const requestTimeoutMs = 30_000
/** So many brokers are waited for where a function names them: how many it will name is not known before. */
const unknownBrokers = 10
/** So many connections, or fewer, wait for a fetch that needs one. */
const idleMax = 8
const levels = new Map<logLevel, 'warn' | 'info' | 'debug'>([
  [logLevel.ERROR, 'warn'],
  [logLevel.WARN, 'warn'],
  [logLevel.INFO, 'info'],
  [logLevel.DEBUG, 'debug'],
])

/** A driver whose connections are made by kafkajs. Nothing is opened before it is needed. */
export function kafkajsDriver({ log, socketFactory, ...config }: KafkaJsOptions): KafkaDriver {
  const sockets = trackedSockets(socketFactory)
  const { brokers } = config
  const newClient = (): Kafka =>
    new Kafka({
      ...config,
      // kafkajs begins at the first one: if that is silent, it is not to hold up every cluster.
      brokers: typeof brokers === 'function' ? async () => shuffled(await brokers()) : shuffled(brokers),
      socketFactory: sockets.factory,
      retry,
      logLevel: logLevel.WARN,
      logCreator:
        () =>
        ({ level, log: { message, timestamp: _timestamp, ...fields } }) =>
          log?.(levels.get(level) ?? 'debug', fields, `kafkajs: ${message}`),
    })
  const driver = new KafkaJsDriver(newClient, sockets.destroy, { openMs: openMsOf(config), replicasMs: replicasMsOf(config) })
  return {
    describe: (topics) => driver.describe(topics),
    create: (topics) => driver.create(topics),
    settings: (topics, names) => driver.settings(topics, names),
    offsets: (partitions, at) => driver.offsets(partitions, at),
    fetch: (leader, request) => driver.fetch(leader, request),
    producer: () => driver.producer(),
    close: () => driver.close(),
  }
}

/** What is no list is for kafkajs to refuse. */
function shuffled(brokers: string[]): string[] {
  if (!Array.isArray(brokers)) return brokers
  return brokers
    .map((broker) => ({ broker, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ broker }) => broker)
}

/** How long a producer may take to connect: every broker that is named may have to be waited for, and one of them to be asked. */
function openMsOf({
  brokers,
  connectionTimeout = connectionTimeoutMs,
  requestTimeout = requestTimeoutMs,
}: Pick<KafkaConfig, 'brokers' | 'connectionTimeout' | 'requestTimeout'>): number {
  return connectionTimeout * (Array.isArray(brokers) ? brokers.length : unknownBrokers) + requestTimeout
}

function replicasMsOf({ requestTimeout = requestTimeoutMs }: Pick<KafkaConfig, 'requestTimeout'>): number {
  return Math.ceil(requestTimeout * replicasShare)
}

class KafkaJsDriver {
  /** Each with an order of its own in which it looks for brokers. */
  readonly #newClient: () => Kafka
  readonly #destroySockets: () => void
  readonly #times: Pick<IdempotentProducerOptions, 'openMs' | 'replicasMs'>
  /** Clusters that wait for the next fetch: a connection serves one at a time. */
  readonly #idle: Cluster[] = []
  readonly #clusters = new Set<Cluster>()
  readonly #producers = new Set<IdempotentProducer>()
  #admin: Promise<Admin> | undefined
  /** For questions that are answered at once. */
  #questions: Cluster | undefined
  #asked: Promise<unknown> = Promise.resolve()
  /** A topic that is known to be there: kafkajs asks for all topics of a cluster where it has none to ask for. */
  #anchor: string | undefined
  #closed = false

  constructor(newClient: () => Kafka, destroySockets: () => void, times: Pick<IdempotentProducerOptions, 'openMs' | 'replicasMs'>) {
    this.#times = times
    this.#newClient = newClient
    this.#destroySockets = destroySockets
  }

  async describe(topics: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = new Map<string, readonly string[]>()
    await this.#describe([...new Set(topics)], found)
    return found
  }

  /** kafkajs gives up on all topics of a question where one of them does not exist. */
  async #describe(topics: readonly string[], found: Map<string, readonly string[]>): Promise<void> {
    if (topics.length === 0) return
    try {
      const metadata = await this.#asking((cluster) => cluster.metadata({ topics }), `asking for topics ${topics.join(', ')}`)
      for (const { topic, partitionMetadata } of metadata?.topicMetadata ?? []) {
        const leaders: string[] = Array.from({ length: partitionMetadata.length }, () => '')
        for (const { partitionId, leader } of partitionMetadata) leaders[partitionId] = leader < 0 ? '' : String(leader)
        found.set(topic, leaders)
        this.#anchor = topic
      }
    } catch (error) {
      if (!(error instanceof KafkaFault) || error.kind !== 'missing') throw error
      if (topics.length === 1) return
      const half = Math.ceil(topics.length / 2)
      await this.#describe(topics.slice(0, half), found)
      await this.#describe(topics.slice(half), found)
    }
  }

  async create(topics: readonly NewTopic[]): Promise<void> {
    if (topics.length === 0) return
    await this.#administrating(
      (admin) =>
        admin.createTopics({
          // kafkajs does not wait for a topic of which the asked broker has not heard yet.
          waitForLeaders: false,
          topics: topics.map(({ topic, partitions, replicationFactor, settings }) => ({
            topic,
            numPartitions: partitions,
            replicationFactor,
            configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
          })),
        }),
      `creating topics ${topics.map(({ topic }) => topic).join(', ')}`,
    )
  }

  async settings(topics: readonly string[], names: readonly string[]): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
    if (topics.length === 0) return new Map()
    const { resources } = await this.#administrating(
      (admin) =>
        admin.describeConfigs({
          includeSynonyms: false,
          resources: topics.map((name) => ({ type: topicResource, name, configNames: [...names] })),
        }),
      `reading the settings of topics ${topics.join(', ')}`,
    )
    return new Map(
      resources.map(({ resourceName, configEntries }) => [
        resourceName,
        new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    )
  }

  async offsets(partitions: readonly Partition[], at: 'earliest' | 'latest' | number): Promise<readonly number[]> {
    if (partitions.length === 0) return []
    const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, its]) => ({
      topic,
      partitions: its.map(({ partition }) => ({ partition })),
    }))
    const position = at === 'earliest' ? { fromBeginning: true } : at === 'latest' ? { fromBeginning: false } : { fromTimestamp: at }
    const answer = await this.#askingLeaders(
      async (cluster) => {
        // Loads the leaders that the question goes to.
        await cluster.metadata({ topics: topics.map(({ topic }) => topic) })
        return cluster.fetchTopicsOffset(topics.map((topic) => ({ ...topic, ...position })))
      },
      `asking for offsets of ${topics.map(({ topic }) => topic).join(', ')}`,
    )
    const offsets = new Map(
      answer.flatMap(({ topic, partitions: its }) =>
        its.map(({ partition, offset }) => [partitionKey({ topic, partition }), Number(offset)] as const),
      ),
    )
    const none = partitions.filter((partition) => (offsets.get(partitionKey(partition)) ?? -1) < 0)
    if (none.length > 0) {
      if (typeof at !== 'number') throw new KafkaFault('unavailable', `no broker leads ${none.map(partitionKey).join(', ')}`)
      for (const [n, offset] of (await this.offsets(none, 'latest')).entries())
        offsets.set(partitionKey(none[n] ?? { topic: '', partition: -1 }), offset)
    }
    return partitions.map((partition) => offsets.get(partitionKey(partition)) ?? 0)
  }

  async fetch(leader: string, request: FetchRequest): Promise<readonly Fetched[]> {
    const cluster = this.#idle.pop() ?? (await this.#newCluster())
    try {
      const broker = await cluster.findBroker({ nodeId: leader })
      const { responses } = await broker.fetch({
        maxWaitTime: request.maxWaitMs,
        minBytes: 1,
        maxBytes: request.maxBytes,
        isolationLevel: 1,
        topics: [...Map.groupBy(request.from, ({ topic }) => topic)].map(([topic, its]) => ({
          topic,
          partitions: its.map(({ partition, offset }) => ({
            partition,
            fetchOffset: String(offset),
            maxBytes: request.maxBytesPerPartition,
          })),
        })),
      })
      const fetched = fetchedOf(request, responses)
      this.#keep(cluster)
      return fetched
    } catch (error) {
      const fault = faultOf(error, 'reading')
      // Of a connection that failed nobody knows what is still under way on it.
      if (fault.kind === 'unavailable') this.#discard(cluster)
      else this.#keep(cluster)
      throw fault
    }
  }

  async producer(): Promise<KafkaProducer> {
    this.#assertOpen()
    const producer = new IdempotentProducer({
      newCluster: () => this.#create(),
      onDiscard: (cluster) => this.#clusters.delete(cluster),
      ...this.#times,
    })
    this.#producers.add(producer)
    const close = (): Promise<void> => {
      this.#producers.delete(producer)
      return producer.close()
    }
    return { send: producer.send, close }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    // First, so that none of them tries again.
    const producers = [...this.#producers].map((producer) => producer.close())
    this.#destroySockets()
    const admin = await this.#admin?.catch(() => undefined)
    await Promise.allSettled([admin?.disconnect(), ...[...this.#clusters].map((cluster) => cluster.disconnect()), ...producers])
    this.#destroySockets()
  }

  /** One question at a time: kafkajs remembers the leaders of those topics only that it was asked for last. */
  #asking<T>(ask: (cluster: Cluster) => Promise<T>, doing: string): Promise<T> {
    const answer = this.#asked.then(() => this.#ask(ask, doing))
    this.#asked = answer.catch(() => undefined)
    return answer
  }

  async #ask<T>(ask: (cluster: Cluster) => Promise<T>, doing: string): Promise<T> {
    this.#questions ??= this.#create()
    const cluster = this.#questions
    try {
      await cluster.connect()
      return await ask(cluster)
    } catch (error) {
      const fault = faultOf(error, doing)
      if (fault.kind === 'unavailable' && this.#questions === cluster) {
        this.#questions = undefined
        this.#discard(cluster)
      }
      throw fault
    }
  }

  /** A broker that was just made a leader, e.g. of a new topic, may not know it yet. */
  async #askingLeaders<T>(ask: (cluster: Cluster) => Promise<T>, doing: string): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#asking(ask, doing)
      } catch (error) {
        const attemptsMax = error instanceof KafkaFault ? leaderAttemptsMax[error.kind] : undefined
        if (attempt >= (attemptsMax ?? 0)) throw error
        await pause(leaderPauseMs)
      }
    }
  }

  async #administrating<T>(work: (admin: Admin) => Promise<T>, doing: string): Promise<T> {
    this.#assertOpen()
    this.#admin ??= (async () => {
      const client = this.#newClient()
      // Mends the clusters that its admins are made of.
      clustersOf(client)
      const admin = client.admin({ retry })
      await admin.connect()
      return admin
    })()
    const connecting = this.#admin
    try {
      return await work(await connecting)
    } catch (error) {
      const fault = faultOf(error, doing)
      if (fault.kind === 'unavailable' && this.#admin === connecting) {
        this.#admin = undefined
        connecting.then((admin) => admin.disconnect()).catch(() => undefined)
      }
      throw fault
    }
  }

  /** A cluster that knows its brokers. */
  async #newCluster(): Promise<Cluster> {
    const cluster = this.#create()
    try {
      await cluster.connect()
      if (this.#anchor !== undefined) await cluster.metadata({ topics: [this.#anchor] })
      return cluster
    } catch (error) {
      this.#discard(cluster)
      throw faultOf(error, 'connecting')
    }
  }

  #create(): Cluster {
    this.#assertOpen()
    const cluster = clustersOf(this.#newClient())()
    this.#clusters.add(cluster)
    return cluster
  }

  /** For the next fetch. Many receivers that ended leave no connections behind. */
  #keep(cluster: Cluster): void {
    if (this.#idle.length < idleMax) this.#idle.push(cluster)
    else this.#discard(cluster)
  }

  #discard(cluster: Cluster): void {
    this.#clusters.delete(cluster)
    cluster.disconnect().catch(() => undefined)
  }

  #assertOpen(): void {
    if (this.#closed) throw new KafkaFault('unavailable', 'the Kafka driver has been closed')
  }
}
