/** Sending by a producer of kafkajs, and what it passes over. */
import type { Producer } from 'kafkajs'
import { KafkaFault, type NewRecord, partitionKey } from './driver.ts'
import { faultOf } from './kafkajs-fault.ts'

/**
 * Sends records, and answers the first offset per partition. kafkajs leaves records out without a word where it knows no such
 * partition, and where a partition's leader moves, while it tries again, to a broker that has answered already: so a partition
 * without an answer is a failure.
 */
export async function sendAll(
  producer: Producer,
  records: readonly NewRecord[],
  leadersOf: (topic: string) => Promise<readonly string[] | undefined>,
): Promise<ReadonlyMap<string, number>> {
  try {
    const answers = await producer.sendBatch({
      acks: -1,
      topicMessages: [...Map.groupBy(records, ({ topic }) => topic)].map(([topic, its]) => ({
        topic,
        messages: its.map(({ key, value, partition, headers }) => ({
          key,
          value,
          partition,
          ...(headers === undefined ? {} : { headers }),
        })),
      })),
    })
    const offsets = new Map(
      answers.map(({ topicName, partition, baseOffset }) => [partitionKey({ topic: topicName, partition }), Number(baseOffset ?? -1)]),
    )
    const left = records.find((record) => !offsets.has(partitionKey(record)))
    if (left !== undefined) throw await leftOut(left, leadersOf)
    return offsets
  } catch (error) {
    throw faultOf(error, 'writing')
  }
}

async function leftOut(
  { topic, partition }: NewRecord,
  leadersOf: (topic: string) => Promise<readonly string[] | undefined>,
): Promise<KafkaFault> {
  const count = (await leadersOf(topic))?.length ?? 0
  return partition < count
    ? new KafkaFault('led elsewhere', `writing: partition ${partition} of topic ${topic} has another leader`)
    : new KafkaFault('missing', `writing: topic ${topic} has no partition ${partition}, it has ${count}`)
}
