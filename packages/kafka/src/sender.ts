/** Events on their way into Kafka: what is sent while a request is under way goes with the next one. */
import { Coalescer, InvalidArgument, type EventSender, type RunEvent } from '@workflow/core/adapter'
import { partitionKey, type KafkaDriver, type NewRecord } from './driver.ts'
import { recordOf, valueOf } from './event-record.ts'
import { stopped, unavailable } from './kafka-errors.ts'
import type { Layout } from './layout.ts'
import { Writer } from './writer.ts'

/** A broker refuses batches over a megabyte, by default, and there is one batch per partition and request. */
const bytesPerPartition = 524_288
const bytesPerRequest = 8_388_608
/** What a record takes beside its value: key, headers, lengths. */
const overheadBytes = 200

export class Senders {
  readonly #layout: Layout
  readonly #writer: Writer
  readonly #calls: Coalescer<readonly NewRecord[], void>
  #closed = false

  constructor(layout: Layout, driver: KafkaDriver) {
    this.#layout = layout
    this.#writer = new Writer(driver)
    this.#calls = new Coalescer<readonly NewRecord[], void>({
      flush: async (calls) => {
        await this.#write(calls.flat())
        return calls.map(() => undefined)
      },
      name: 'this Kafka streamer',
    })
  }

  newSender(): EventSender {
    let disposed = false
    return {
      send: async (events) => {
        if (disposed || this.#closed) throw stopped('this sender')
        if (events.length === 0) return
        await this.#layout.assertKnown(events).catch((error: unknown) => {
          throw unavailable(error, 'events cannot be sent')
        })
        await this.#calls.add(events.flatMap((event) => this.#recordsOf(event)))
      },
      [Symbol.asyncDispose]: async () => {
        disposed = true
      },
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#calls.close()
    await this.#writer.close()
  }

  #recordsOf(event: RunEvent): readonly NewRecord[] {
    const value = valueOf(event)
    if (value.length > bytesPerRequest)
      throw new InvalidArgument(`event of run ${JSON.stringify(event.runId)} is larger than ${bytesPerRequest} bytes`)
    return event.topics.map((topic) => recordOf(event, value, { topic: this.#layout.kafkaTopic(topic), partition: event.slot }))
  }

  async #write(records: readonly NewRecord[]): Promise<void> {
    try {
      for (const request of requestsOf(records)) await this.#writer.send(request)
    } catch (error) {
      throw unavailable(error, `${records.length} events may not have been sent`)
    }
  }
}

/** Splits records into requests that brokers take, in order. */
function* requestsOf(records: readonly NewRecord[]): Iterable<readonly NewRecord[]> {
  let request: NewRecord[] = []
  let bytes = 0
  let byPartition = new Map<string, number>()
  for (const record of records) {
    const size = (record.value?.length ?? 0) + overheadBytes
    const key = partitionKey(record)
    const ofPartition = (byPartition.get(key) ?? 0) + size
    if (request.length > 0 && (ofPartition > bytesPerPartition || bytes + size > bytesPerRequest)) {
      yield request
      request = []
      bytes = 0
      byPartition = new Map()
    }
    request.push(record)
    bytes += size
    byPartition.set(key, (byPartition.get(key) ?? 0) + size)
  }
  if (request.length > 0) yield request
}
