/**
 * What this package needs of a Kafka client: another client replaces kafkajs by offering these methods. Offsets are numbers;
 * they stay exact up to 2^53. Every method that talks to Kafka rejects with a `KafkaFault`.
 */
import type { Buffer } from 'node:buffer'

/** A client of one Kafka cluster. */
export interface KafkaDriver {
  /** The leader of each partition, by its number; `''` where there is none now. Topics that do not exist are left out. */
  readonly describe: (topics: readonly string[]) => Promise<ReadonlyMap<string, readonly string[]>>
  /** Creates topics. One that exists stays as it is. */
  readonly create: (topics: readonly NewTopic[]) => Promise<void>
  /** Some settings of topics, by topic and name, as they are in force. */
  readonly settings: (topics: readonly string[], names: readonly string[]) => Promise<ReadonlyMap<string, ReadonlyMap<string, string>>>
  /**
   * Offsets of partitions: the first one that is kept, the next one to be written, or the first one written at or after a time
   * (in ms since the epoch; the next one to be written where there is none). In the order of `partitions`.
   */
  readonly offsets: (partitions: readonly Partition[], at: 'earliest' | 'latest' | number) => Promise<readonly number[]>
  /**
   * Reads from one broker; partitions that it does not lead make the call fail. What cannot be read of one is told beside it, and
   * hinders no others. One of which nothing came may be left out. May be called many times at once.
   */
  readonly fetch: (leader: string, request: FetchRequest) => Promise<readonly Fetched[]>
  /** An idempotent producer that waits for all replicas. */
  readonly producer: () => Promise<KafkaProducer>
  /** Ends every connection, whatever is under way. Idempotent. */
  readonly close: () => Promise<void>
}

/** One partition of one topic. */
export interface Partition {
  readonly topic: string
  readonly partition: number
}

/** A topic to be created. */
export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  /** -1 leaves it to the brokers. */
  readonly replicationFactor: number
  readonly settings: Readonly<Record<string, string>>
}

/** What to read, and how long to wait where there is nothing. */
export interface FetchRequest {
  /** Each partition once. */
  readonly from: readonly (Partition & { readonly offset: number })[]
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly maxBytesPerPartition: number
}

/** What came of one partition. */
export interface Fetched extends Partition {
  /** By offset, from the one asked for. Offsets may have gaps. */
  readonly records: readonly KafkaRecord[]
  /** The offset after the last one that was looked at: where to go on. */
  readonly next: number
  /** The offset that the next record will get. */
  readonly end: number
  /** Why nothing can be read from the offset on that was asked for: what is there is not what was written. There are no records then. */
  readonly damage?: KafkaFault
}

/** One record of a topic. */
export interface KafkaRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
}

/** A record to be written. */
export interface NewRecord extends Partition {
  readonly key: string
  /** Null deletes the key from a compacted topic. */
  readonly value: string | null
  readonly headers?: Readonly<Record<string, string>>
}

/** Writes records. One call at a time: what is to go together goes in one call. */
export interface KafkaProducer {
  /**
   * Resolves when all replicas have all of them, to the offset of the first record of each partition. Those of one partition keep
   * their order. A rejection means that each of them may have been written or not; the producer must then be closed.
   */
  readonly send: (records: readonly NewRecord[]) => Promise<ReadonlyMap<string, number>>
  readonly close: () => Promise<void>
}

/** A text for a partition, unique among all. */
export function partitionKey({ topic, partition }: Partition): string {
  return `${topic}/${partition}`
}

/** What went wrong, as far as it matters. */
export type FaultKind =
  /** Kafka cannot be reached, or is busy with itself: trying again can help. */
  | 'unavailable'
  /** Wrong credentials, or something is not allowed. */
  | 'denied'
  /** The asked broker does not lead a partition, or not yet: ask for leaders, and try again. */
  | 'led elsewhere'
  /** A topic or partition does not exist. */
  | 'missing'
  /** A partition no longer has an offset, or has not got that far. */
  | 'out of range'
  /** A record is larger than the topic takes. */
  | 'too large'
  /** Kafka does not do what it was asked for, e.g. more replicas than brokers. */
  | 'refused'

/** An error of a driver. */
export class KafkaFault extends Error {
  readonly kind: FaultKind

  constructor(kind: FaultKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'KafkaFault'
    this.kind = kind
  }
}
