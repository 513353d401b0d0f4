/** The Kafka that tests talk to, and what they do to it behind the adapter's back. */
import { type Admin, Kafka, logLevel, Partitioners, type Message } from 'kafkajs'
import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { kafka, kafkajsDriver, type Kafka as KafkaAdapter, type KafkaOptions, type KafkaRecord, type Partition } from '../src/index.ts'
import { kafkaTopicOf } from '../src/topic-name.ts'
import { KillableSockets } from './killable-sockets.ts'

export interface OpenedAdapter {
  readonly adapter: KafkaAdapter
  readonly close: () => Promise<void>
  readonly kill: () => Promise<void>
  /** How many connections are open. */
  readonly sockets: () => number
}

/** A part of the broker that no other test uses. */
export class Broker implements AsyncDisposable {
  /** Undefined where there is none: then tests are skipped, aloud. */
  static readonly url: string | undefined = inject('kafkaUrl')
  readonly prefix: string = `t-${randomUUID().slice(0, 8)}`
  #client: Kafka | undefined
  #admin: Promise<Admin> | undefined

  get brokers(): readonly string[] {
    return [Broker.url ?? '127.0.0.1:1']
  }

  /** An adapter as another process would have it. */
  open(options: Partial<KafkaOptions> = {}): OpenedAdapter {
    const sockets = new KillableSockets()
    const driver = kafkajsDriver({ brokers: [...this.brokers], clientId: 'test', socketFactory: sockets.factory })
    const adapter = kafka({ driver, prefix: this.prefix, ...options })
    const kill = async (): Promise<void> => {
      sockets.kill()
      await adapter.close()
    }
    return { adapter, close: adapter.close, kill, sockets: () => sockets.size }
  }

  client(): Kafka {
    this.#client ??= new Kafka({ brokers: [...this.brokers], clientId: 'test', logLevel: logLevel.NOTHING })
    return this.#client
  }

  admin(): Promise<Admin> {
    this.#admin ??= (async () => {
      const admin = this.client().admin()
      await admin.connect()
      return admin
    })()
    return this.#admin
  }

  topicOf(topic: string): string {
    return kafkaTopicOf(this.prefix, topic)
  }

  /** Deletes what one partition has. */
  async loseEvents(topic: string, partition: number): Promise<void> {
    const admin = await this.admin()
    // Loads what kafkajs needs to know for the call after it.
    await admin.fetchTopicMetadata({ topics: [this.topicOf(topic)] })
    await admin.deleteTopicRecords({ topic: this.topicOf(topic), partitions: [{ partition, offset: '-1' }] })
  }

  async foreignTopic(partitions: number): Promise<string> {
    const topic = `${this.prefix}-foreign`
    await this.create(topic, partitions)
    return topic
  }

  /** Creates a topic by hand. */
  async create(topic: string, partitions: number): Promise<void> {
    await (await this.admin()).createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: partitions }] })
    for (;;) {
      const { topics } = await (await this.admin()).fetchTopicMetadata({ topics: [topic] }).catch(() => ({ topics: [] }))
      if (topics.length > 0) return
    }
  }

  /** Waits until so many partitions of a topic have leaders that know it. */
  async offsetsKnown(topic: string, partitions: number): Promise<void> {
    const admin = await this.admin()
    for (;;) {
      const offsets = await admin.fetchTopicOffsets(topic).catch(() => [])
      if (offsets.length === partitions) return
    }
  }

  /** Deletes a topic and makes another one of that name. */
  async replace(topic: string, partitions: number, policy: 'delete' | 'compact' = 'delete'): Promise<void> {
    const admin = await this.admin()
    const before = await admin.fetchTopicOffsets(topic)
    await admin.deleteTopics({ topics: [topic] })
    for (;;) {
      try {
        const configEntries = [{ name: 'cleanup.policy', value: policy }]
        await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: partitions, configEntries }] })
        break
      } catch {
        // It is still there.
      }
    }
    // The broker hears of it later, and takes records for the old one until then.
    const isNew = async (): Promise<boolean> => {
      const offsets = await admin.fetchTopicOffsets(topic).catch(() => [])
      const ends = new Map(offsets.map(({ partition, high }) => [partition, Number(high)]))
      const wasEmpty = before.every(({ high }) => high === '0')
      return ends.size === partitions && (wasEmpty || before.some(({ partition, high }) => (ends.get(partition) ?? 0) < Number(high)))
    }
    while (!(await isNew()));
  }

  /** Every record of a topic, by partition and offset. */
  async read(topic: string): Promise<readonly (KafkaRecord & Partition)[]> {
    const driver = kafkajsDriver({ brokers: [...this.brokers], clientId: 'test' })
    try {
      const leaders = (await driver.describe([topic])).get(topic) ?? []
      const answers = await Promise.all(
        leaders.map((leader, partition) =>
          driver.fetch(leader, {
            from: [{ topic, partition, offset: 0 }],
            maxWaitMs: 0,
            maxBytes: 10_000_000,
            maxBytesPerPartition: 10_000_000,
          }),
        ),
      )
      return answers.flat().flatMap(({ records, ...at }) =>
        records.map(({ offset, timestampMs, key, value, headers }) => ({
          offset,
          timestampMs,
          key,
          value,
          headers,
          topic,
          partition: at.partition,
        })),
      )
    } finally {
      await driver.close()
    }
  }

  async publish(topic: string, messages: readonly Message[]): Promise<void> {
    // Idempotent: kafkajs sends again to partitions that have taken it while another one has no leader yet.
    const producer = this.client().producer({
      idempotent: true,
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
    })
    await producer.connect()
    try {
      await producer.send({ topic, messages: [...messages] })
    } finally {
      await producer.disconnect()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const admin = await this.admin()
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(this.prefix))
    if (topics.length > 0) await admin.deleteTopics({ topics })
    await admin.disconnect()
  }
}
