/** Events on their way into Kafka: what is sent while a request is under way goes with the next one. */
import {
  assertEvent,
  Coalescer,
  InvalidArgument,
  ItemFailure,
  type EventSender,
  isWorkflowError,
  type RunEvent,
} from '@workflow/core/adapter'
import { type KafkaDriver, KafkaFault, type NewRecord } from './driver.ts'
import { recordOf, valueOf } from './event-record.ts'
import { stopped, unavailable } from './kafka-errors.ts'
import type { Layout } from './layout.ts'
import { bytesPerRequest, requestsOf } from './requests.ts'
import { Writer } from './writer.ts'

export class Senders {
  readonly #layout: Layout
  readonly #writer: Writer
  readonly #calls: Coalescer<readonly NewRecord[], void>
  #closed = false

  constructor(layout: Layout, driver: KafkaDriver) {
    this.#layout = layout
    this.#writer = new Writer(driver)
    this.#calls = new Coalescer<readonly NewRecord[], void>({
      flush: (calls) => this.#flush(calls),
      name: 'this Kafka streamer',
    })
  }

  newSender(): EventSender {
    let disposed = false
    return {
      send: async (events) => {
        if (disposed || this.#closed) throw stopped('this sender')
        if (events.length === 0) return
        for (const event of events) assertEvent(event, () => `run ${JSON.stringify(event.runId)}`)
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

  async #flush(calls: readonly (readonly NewRecord[])[]): Promise<readonly (void | ItemFailure)[]> {
    try {
      await this.#write(calls.flat())
      return calls.map(() => undefined)
    } catch (error) {
      if (calls.length === 1 || !isWorkflowError(error, 'InvalidArgument')) throw error
    }
    // A record is too large: only its sender hears of it.
    const results: (void | ItemFailure)[] = []
    for (const call of calls) results.push(await this.#writeAlone(call))
    return results
  }

  async #writeAlone(call: readonly NewRecord[]): Promise<void | ItemFailure> {
    try {
      await this.#write(call)
    } catch (error) {
      if (isWorkflowError(error, 'InvalidArgument')) return new ItemFailure(error)
      throw error
    }
  }

  async #write(records: readonly NewRecord[]): Promise<void> {
    try {
      for (const request of requestsOf(records)) await this.#send(request)
    } catch (error) {
      throw unavailable(error, `${records.length} events may not have been sent`)
    }
  }

  /** What a topic counts is a batch: where it takes less than is usual, the records go in smaller ones. */
  async #send(records: readonly NewRecord[]): Promise<void> {
    try {
      await this.#writer.send(records)
    } catch (error) {
      if (!(error instanceof KafkaFault) || error.kind !== 'too large' || records.length === 1) throw error
      const half = Math.ceil(records.length / 2)
      await this.#send(records.slice(0, half))
      await this.#send(records.slice(half))
    }
  }
}
