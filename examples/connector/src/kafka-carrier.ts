import { kafka } from '@workflow/kafka'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { type Carrier, idHeader, valueOf } from './carrier.ts'

/** A topic of its own, under a name that nobody else has; deleted at the end, with what is remembered of its readers. */
export async function kafkaCarrier(url: string, name: string): Promise<Carrier> {
  const topic = `${name}-messages`
  const theirs = new Kafka({ clientId: 'carrier', brokers: [url], logLevel: logLevel.NOTHING })
  const admin = theirs.admin()
  const producer = theirs.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  const ours = kafka({ brokers: [url], clientId: 'parcels', prefix: name })
  await using resources = new AsyncDisposableStack()
  resources.defer(() => admin.disconnect())
  await admin.connect()
  resources.defer(() => producer.disconnect())
  await producer.connect()
  resources.defer(() => admin.deleteTopics({ topics: [topic, `${name}.cursors`] }))
  await admin.createTopics({ topics: [{ topic, numPartitions: 4 }] })
  resources.defer(() => ours.close())
  const opened = resources.move()
  return {
    // The key of an event is the key of its record.
    messages: ours.connector({ topic, decode: (value) => valueOf(new TextDecoder().decode(value)) }),
    publish: async (postings) => {
      await producer.send({
        topic,
        messages: postings.map(({ id, parcel, body }) => ({ key: parcel, value: body, headers: { [idHeader]: id } })),
      })
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
