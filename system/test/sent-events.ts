/** What lies on the broker, read from its beginning by the bare clients, past our adapters. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { Kafka, logLevel } from 'kafkajs'
import { randomUUID } from 'node:crypto'
import type { Addresses } from './ports.ts'

/** An event as it was found, in the order of its topic and slot. */
export interface SentEvent {
  /** As the broker calls it. */
  readonly topic: string
  readonly runId: string
  readonly version: number
  readonly kind: string
}

type EventJson = Omit<SentEvent, 'topic'>

/** Everything that is there now. */
export async function sentEvents({ kind, advertised, broker }: Addresses, prefix: string, workflow: string): Promise<readonly SentEvent[]> {
  return kind === 'kafka'
    ? onKafka(
        advertised.map((url) => new URL(url).host),
        `${prefix}__${workflow}__`,
      )
    : onNats(broker, `${prefix}_events_${workflow}`)
}

async function onKafka(brokers: readonly string[], start: string): Promise<readonly SentEvent[]> {
  const client = new Kafka({ brokers: [...brokers], clientId: 'reader', logLevel: logLevel.NOTHING })
  const admin = client.admin()
  await admin.connect()
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(start))
  const left = new Map<string, number>()
  for (const topic of topics)
    for (const { partition, high } of await admin.fetchTopicOffsets(topic))
      if (high !== '0') left.set(`${topic}/${partition}`, Number(high))
  const found: SentEvent[] = []
  const read = Promise.withResolvers<void>()
  const consumer = client.consumer({ groupId: randomUUID() })
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch: { topic, partition, messages } }) => {
      for (const { value } of messages) found.push({ ...eventOf(String(value)), topic })
      const place = `${topic}/${partition}`
      if (Number(messages.at(-1)?.offset ?? -1) + 1 >= (left.get(place) ?? 0)) left.delete(place)
      if (left.size === 0) read.resolve()
    },
  })
  if (left.size > 0) await read.promise
  await consumer.disconnect()
  await admin.disconnect()
  return found
}

async function onNats(servers: readonly string[], stream: string): Promise<readonly SentEvent[]> {
  const connection = await connect({ servers: [...servers] })
  const found: SentEvent[] = []
  const { state } = await (await jetstreamManager(connection)).streams.info(stream)
  if (state.messages > 0) {
    const consumer = await jetstream(connection).consumers.get(stream)
    const messages = await consumer.consume()
    for await (const message of messages) {
      const topic = message.subject.split('.').slice(0, -1).join('.')
      // Marks of the time are on a subject of their own.
      if (message.subject.includes('.event.'))
        for (const event of message.json<readonly EventJson[]>()) found.push({ ...chosen(event), topic })
      if (message.seq >= state.last_seq) break
    }
    await messages.close()
  }
  await connection.close()
  return found
}

function eventOf(text: string): EventJson {
  // The public form of an event.
  return chosen(JSON.parse(text) as EventJson)
}

function chosen({ runId, version, kind }: EventJson): EventJson {
  return { runId, version, kind }
}
