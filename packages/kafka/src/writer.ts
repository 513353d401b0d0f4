/**
 * One producer at a time, and one call at a time on it. After a call that failed nobody knows which of its records were written, so
 * neither which sequence number the next one has: a producer takes no further call then. It is thrown away, and a new one has an
 * identity of its own.
 */
import type { KafkaDriver, KafkaProducer, NewRecord } from './driver.ts'

export class Writer {
  readonly #driver: KafkaDriver
  #producer: Promise<KafkaProducer> | undefined

  constructor(driver: KafkaDriver) {
    this.#driver = driver
  }

  /** Writes records; the caller waits for the answer before it calls again. */
  async send(records: readonly NewRecord[]): Promise<ReadonlyMap<string, number>> {
    const connecting = (this.#producer ??= this.#driver.producer())
    try {
      return await (await connecting).send(records)
    } catch (error) {
      if (this.#producer === connecting) this.#producer = undefined
      connecting.then((producer) => producer.close()).catch(() => undefined)
      throw error
    }
  }

  async close(): Promise<void> {
    const producer = await this.#producer?.catch(() => undefined)
    this.#producer = undefined
    await producer?.close()
  }
}
