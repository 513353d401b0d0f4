/** What kafkajs hands out of a fetch, as records. */
import type { Buffer } from 'node:buffer'
import { type Fetched, type FetchRequest, type KafkaRecord, partitionKey } from './driver.ts'

interface Message {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, Buffer | string | readonly (Buffer | string)[] | undefined>>
  readonly isControlRecord?: boolean
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean }
}

/** A topic's part of the answer to a fetch. */
export interface FetchResponse {
  readonly topicName: string
  readonly partitions: readonly {
    readonly partition: number
    readonly highWatermark: string
    readonly messages: readonly Message[]
    readonly abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[]
  }[]
}

/** Records by partition, from the offsets that were asked for. */
export function fetchedOf(request: FetchRequest, responses: readonly FetchResponse[]): readonly Fetched[] {
  const asked = new Map(request.from.map((from) => [partitionKey(from), from.offset]))
  return responses.flatMap(({ topicName: topic, partitions }) =>
    partitions.map(({ partition, highWatermark, messages, abortedTransactions }) => {
      // A batch may begin before the offset that was asked for.
      const from = asked.get(partitionKey({ topic, partition })) ?? 0
      const last = messages.at(-1)
      const counts = committed(abortedTransactions ?? [])
      const records: KafkaRecord[] = []
      for (const message of messages) if (counts(message) && Number(message.offset) >= from) records.push(new MessageRecord(message))
      return {
        topic,
        partition,
        records,
        next: last === undefined ? from : Math.max(from, Number(last.offset) + 1),
        end: Number(highWatermark),
      }
    }),
  )
}

/** Most readers never look at headers, so texts are made of them only when somebody does. */
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
      const last = Array.isArray(all) ? all.at(-1) : all
      if (last !== undefined) texts[name] = String(last)
    }
    return texts
  }
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
