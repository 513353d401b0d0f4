/** Requests to write records and their answers, versions 3 to 7 of Kafka's protocol: https://kafka.apache.org/protocol.html#The_Messages_Produce. */
import type { Buffer } from 'node:buffer'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { NewRecord, Partition } from './driver.ts'
import { writeBatch } from './record-batch.ts'

/** The requests of these versions are the same; Kafka 4 takes them, and so does whatever is not older than 0.11. */
export const produceVersions = [3, 4, 5, 6, 7] as const
/** From this one on, answers say which offset is the first that is kept. */
const withLogStart = 5
/** From this one on, the broker leaves it to its clients to wait. */
const withClientThrottle = 6
/** That all replicas in sync have it. */
const allReplicas = -1
/** What a record takes beside its value, mostly, and what a batch does: nothing but the first size of a buffer depends on it. */
const recordBytes = 250
const batchBytes = 128

/** Records of one partition that go together. */
export interface ProducedBatch extends Partition {
  readonly records: readonly NewRecord[]
  /** Of the first record. */
  readonly sequence: number
}

/** Sequence numbers go up to 2^31 - 1, and from there to 0: Kafka's `DefaultRecordBatch.incrementSequence`. */
const sequences = 2 ** 31

/** The sequence number of what comes after so many records. */
export function sequenceAfter(sequence: number, records: number): number {
  return (sequence + records) % sequences
}

/** What every batch of a request has in common. */
export interface Producing {
  readonly producerId: bigint
  readonly epoch: number
  /** Of the records, in ms since the epoch. */
  readonly timestampMs: number
  /** How long a leader waits for its replicas, in ms, before it says that they were late. */
  readonly replicasMs: number
}

/** The body of a request to one broker. */
export function produceRequestOf(batches: readonly ProducedBatch[], producing: Producing): Buffer {
  const writer = new ByteWriter(expectedBytesOf(batches))
  writer.text(null)
  writer.int16(allReplicas)
  writer.int32(producing.replicasMs)
  const topics = Map.groupBy(batches, ({ topic }) => topic)
  writer.int32(topics.size)
  for (const [topic, its] of topics) {
    writer.text(topic)
    writer.int32(its.length)
    for (const { partition, records, sequence } of its) {
      writer.int32(partition)
      const sizeAt = writer.length
      writer.int32(0)
      writeBatch(writer, records, { ...producing, sequence })
      writer.amendInt32(sizeAt, writer.length - sizeAt - 4)
    }
  }
  return writer.bytes
}

function expectedBytesOf(batches: readonly ProducedBatch[]): number {
  let bytes = batchBytes * (batches.length + 1)
  for (const { records } of batches) for (const { value } of records) bytes += recordBytes + (value?.length ?? 0)
  return bytes
}

/** What a broker says of what it was sent. */
export interface ProduceAnswer {
  /** How long it wants to be left alone, in ms; kafkajs looks at it by this name. */
  readonly clientSideThrottleTime: number
  readonly partitions: readonly ProducedPartition[]
}

/** What became of one batch. */
export interface ProducedPartition extends Partition {
  /** 0 where all went well. */
  readonly errorCode: number
  /** The offset of the first record. */
  readonly offset: number
}

/** Throws `RangeError` for bytes that are no such answer. */
export function produceAnswerOf(bytes: Buffer, version: number): ProduceAnswer {
  const reader = new ByteReader(bytes)
  const topics = reader.array(() => {
    const topic = reader.text()
    return reader.array(() => {
      const produced = { topic, partition: reader.int32(), errorCode: reader.int16(), offset: reader.int64() }
      // The time of the log, and the first offset that is kept.
      reader.skip(version >= withLogStart ? 16 : 8)
      return produced
    })
  })
  const throttleMs = reader.int32()
  return { clientSideThrottleTime: version >= withClientThrottle ? throttleMs : 0, partitions: topics.flat() }
}
