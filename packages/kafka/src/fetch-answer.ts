/** The answer to a fetch, version 11 of Kafka's protocol: https://kafka.apache.org/protocol.html#The_Messages_Fetch. */
import { Buffer } from 'node:buffer'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { type AbortedTransaction, foreignPartOf } from './record-batch.ts'

/** The version that brokers from Kafka 2.3 on agree on with kafkajs. Of others kafkajs makes what it can. */
export const fetchVersion = 11

/**
 * Of the bytes of an answer. A partition with less is copied out of it: its records may wait long, and would keep in memory what came
 * of others with them.
 */
const smallShare = 1 / 32
/** What a number takes that says how many bytes come. */
const sizeBytes = 4

/** An answer with its batches as they came: members that kafkajs looks at are called as it calls them. */
export interface FetchAnswer {
  /** How long the broker wants to be left alone, in ms. */
  readonly clientSideThrottleTime: number
  readonly errorCode: number
  readonly responses: readonly {
    readonly topicName: string
    readonly partitions: readonly FetchedBatches[]
  }[]
}

/** What came of one partition. */
export interface FetchedBatches {
  readonly partition: number
  readonly errorCode: number
  /** The offset that the next record will get. */
  readonly highWatermark: number
  readonly aborted: readonly AbortedTransaction[]
  readonly batches: Buffer
  /** An answer with this partition alone, for kafkajs: some of its batches are of a form that only kafkajs decodes. */
  readonly foreign?: Buffer
  /** Why kafkajs could not decode it. */
  readonly unread?: unknown
}

/** Throws `RangeError` for bytes that are no such answer. */
export function fetchAnswerOf(bytes: Buffer): FetchAnswer {
  const reader = new ByteReader(bytes)
  const clientSideThrottleTime = reader.int32()
  const errorCode = reader.int16()
  // A session, of which there is none.
  reader.skip(4)
  const responses = reader.array(() => {
    const topicName = reader.text()
    return { topicName, partitions: reader.array(() => partitionOf(reader, topicName)) }
  })
  return { clientSideThrottleTime, errorCode, responses }
}

function partitionOf(reader: ByteReader, topic: string): FetchedBatches {
  const beganAt = reader.position
  const partition = reader.int32()
  const errorCode = reader.int16()
  const highWatermark = reader.int64()
  // The last stable offset, and the first one that is kept.
  reader.skip(16)
  const aborted = reader.array(() => ({ producerId: reader.bigInt64(), firstOffset: reader.int64() }))
  // The replica that would rather be read.
  reader.skip(4)
  const size = Math.max(0, reader.int32())
  const at = reader.skip(size)
  const here = reader.bytes.subarray(at, at + size)
  const part = foreignPartOf(here)
  const foreign = part === undefined ? undefined : aloneOf(topic, reader.bytes.subarray(beganAt, at - sizeBytes), part)
  const batches = size < reader.bytes.length * smallShare ? Buffer.from(here) : here
  return { partition, errorCode, highWatermark, aborted, batches, ...(foreign === undefined ? {} : { foreign }) }
}

/** An answer with one partition, of which `head` is what comes before the size of its batches. */
function aloneOf(topic: string, head: Buffer, batches: Buffer): Buffer {
  const before = new ByteWriter(0)
  before.int32(0)
  before.int16(0)
  before.int32(0)
  before.int32(1)
  before.text(topic)
  before.int32(1)
  const size = Buffer.alloc(sizeBytes)
  size.writeInt32BE(batches.length)
  return Buffer.concat([before.bytes, head, size, batches])
}
