import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { kafka } from '@workflow/kafka'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { installKafka } from '../../scripts/services/kafka-binaries.ts'
import { startKafka } from '../../scripts/services/kafka-server.ts'
import { usageOf } from './process-usage.ts'
import type { BareMessage, StreamTarget } from './stream-target.ts'

const partitions = 16
const lookMs = 50

/** A broker of its own, with its own settings. */
export async function kafkaTarget(): Promise<StreamTarget> {
  const { version } = await installKafka()
  const server = await startKafka({ fast: true })
  return {
    name: 'kafka',
    about: `Kafka ${version}, one broker on the same machine with heap and collector as Kafka's own scripts choose them, acks=all, not synced to disk, as by default`,
    open: () => {
      const { eventStreamer, close } = kafka({ brokers: [server.url], prefix: `b-${randomUUID().slice(0, 8)}` })
      return { eventStreamer, close }
    },
    bare: (messages, atOnce) => bare(server.url, messages, atOnce),
    headersOf: ({ runId, version, v }) => ({ 'workflow-run-id': runId, 'workflow-version': String(version), 'workflow-schema': String(v) }),
    server: () => usageOf(server.place.folder),
    [Symbol.asyncDispose]: async () => server.remove(),
  }
}

/** Idempotent producer, acks=all, and a consumer group that commits by itself. */
async function bare(url: string, messages: readonly BareMessage[], atOnce: number): Promise<void> {
  const client = new Kafka({ brokers: [url], clientId: 'bare', logLevel: logLevel.NOTHING })
  const topic = `bare-${randomUUID()}`
  const admin = client.admin()
  await admin.connect()
  await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: partitions }] })
  // A broker hears of a new topic a little after the controller has made it.
  while ((await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => undefined)) === undefined) await sleep(lookMs)
  const producer = client.producer({ idempotent: true, createPartitioner: Partitioners.DefaultPartitioner })
  const consumer = client.consumer({ groupId: topic, maxWaitTimeInMs: 500 })
  await Promise.all([producer.connect(), consumer.connect()])
  await consumer.subscribe({ topic, fromBeginning: true })
  let seen = 0
  const reading = new Promise<void>((resolve, reject) => {
    consumer
      .run({
        partitionsConsumedConcurrently: partitions,
        eachBatch: async ({ batch }) => {
          for (const { value } of batch.messages) JSON.parse(String(value))
          seen += batch.messages.length
          if (seen >= messages.length) resolve()
        },
      })
      .catch(reject)
  })
  for (let from = 0; from < messages.length; from += atOnce)
    await producer.send({
      topic,
      acks: -1,
      messages: messages.slice(from, from + atOnce).map(({ text, headers }, n) => ({
        key: `run-${(from + n) % 5_000}`,
        value: text,
        partition: n % partitions,
        ...(headers === undefined ? {} : { headers }),
      })),
    })
  await reading
  await Promise.all([producer.disconnect(), consumer.disconnect()])
  await admin.deleteTopics({ topics: [topic] })
  await admin.disconnect()
}
