/** What comes of a fetch, as records: batches as they came, or messages where kafkajs has decoded them. */
import type { Buffer } from 'node:buffer'
import { type Fetched, type FetchRequest, KafkaFault, type KafkaRecord, type Partition, partitionKey } from './driver.ts'
import type { FetchedBatches } from './fetch-answer.ts'
import { recordsOf } from './record-batch.ts'

interface Message {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, Header | readonly Header[] | undefined>>
  readonly isControlRecord?: boolean
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean }
}

type Header = Buffer | string | null

/** What kafkajs has decoded of one partition. */
interface FetchedMessages {
  readonly partition: number
  readonly highWatermark: string
  readonly messages: readonly Message[]
  readonly abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[]
}

/** A topic's part of the answer to a fetch. */
export interface FetchResponse {
  readonly topicName: string
  readonly partitions: readonly (FetchedMessages | FetchedBatches)[]
}

/** Records by partition, from the offsets that were asked for. */
export function fetchedOf(request: FetchRequest, responses: readonly FetchResponse[]): readonly Fetched[] {
  const asked = new Map(request.from.map((from) => [partitionKey(from), from.offset]))
  return responses.flatMap(({ topicName: topic, partitions }) =>
    partitions.map((answer) => {
      const at = { topic, partition: answer.partition }
      // A batch may begin before the offset that was asked for.
      const from = asked.get(partitionKey(at)) ?? 0
      try {
        return 'batches' in answer ? ofBatches(at, from, answer) : ofMessages(at, from, answer)
      } catch (error) {
        return { ...at, records: [], next: from, end: Number(answer.highWatermark), damage: damageOf(at, from, error) }
      }
    }),
  )
}

function damageOf(at: Partition, from: number, error: unknown): KafkaFault {
  const text = error instanceof Error ? error.message : String(error)
  const what = error instanceof RangeError ? 'is damaged' : 'cannot be read'
  return new KafkaFault('unavailable', `reading: what Kafka has of ${partitionKey(at)} from offset ${from} on ${what}: ${text}`, error)
}

function ofBatches(at: Partition, from: number, { highWatermark, batches, aborted, unread }: FetchedBatches): Fetched {
  if (unread !== undefined) throw unread
  return { ...at, ...recordsOf(batches, from, aborted), end: highWatermark }
}

function ofMessages(at: Partition, from: number, { highWatermark, messages, abortedTransactions }: FetchedMessages): Fetched {
  const last = messages.at(-1)
  const counts = committed(abortedTransactions ?? [])
  const records: KafkaRecord[] = []
  for (const message of messages) if (counts(message) && Number(message.offset) >= from) records.push(new MessageRecord(message))
  return {
    ...at,
    records,
    next: last === undefined ? from : Math.max(from, Number(last.offset) + 1),
    end: Number(highWatermark),
  }
}

/** Like `BatchRecord`, of a message of kafkajs. */
class MessageRecord implements KafkaRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly #headers: NonNullable<Message['headers']>

  constructor({ offset, timestamp, key, value, headers = {} }: Message) {
    this.offset = Number(offset)
    this.timestampMs = Number(timestamp)
    this.key = key
    this.value = value
    this.#headers = headers
  }

  get headers(): Readonly<Record<string, string>> {
    const texts: Record<string, string> = {}
    for (const [name, all] of Object.entries(this.#headers)) {
      const last = isList(all) ? all.at(-1) : all
      if (last !== undefined && last !== null) texts[name] = String(last)
    }
    return texts
  }
}

function isList(header: Header | readonly Header[] | undefined): header is readonly Header[] {
  return Array.isArray(header)
}

/** Tells whether a message counts: not a marker of Kafka's own, and not of a transaction that was aborted. */
function committed(aborted: readonly { readonly producerId: string; readonly firstOffset: string }[]): (message: Message) => boolean {
  const pending = aborted.toSorted((a, b) => Number(a.firstOffset) - Number(b.firstOffset))
  const open = new Set<string>()
  return ({ offset, isControlRecord, batchContext }) => {
    while (pending[0] !== undefined && Number(pending[0].firstOffset) <= Number(offset)) open.add(pending.shift()?.producerId ?? '')
    const producer = batchContext?.producerId ?? ''
    if (isControlRecord === true) {
      // The end of this producer's transaction, whichever way.
      open.delete(producer)
      return false
    }
    return !(batchContext?.inTransaction === true && open.has(producer))
  }
}
