/** What connections cost while nothing goes over them. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { kafkajsDriver } from '../src/index.ts'
import { Broker } from './broker.ts'

const waitMs = 400

describe.skipIf(Broker.url === undefined)('connections', { timeout: 60_000 }, () => {
  test('that were used wake the process no more', async () => {
    const broker = new Broker()
    const driver = kafkajsDriver({ brokers: [...broker.brokers], clientId: 'test' })
    onTestFinished(async () => {
      vi.restoreAllMocks()
      await driver.close()
      await broker[Symbol.asyncDispose]()
    })
    const topic = broker.topicOf('orders/idle')
    await driver.create([{ topic, partitions: 1, replicationFactor: 1, settings: {} }])
    await driver.offsets([{ topic, partition: 0 }], 'latest')
    const [leader = ''] = (await driver.describe([topic])).get(topic) ?? []
    const producer = await driver.producer()
    await producer.send([{ topic, partition: 0, key: 'run', value: 'text' }])
    const fetch = (offset: number) =>
      driver.fetch(leader, { from: [{ topic, partition: 0, offset }], maxWaitMs: waitMs, maxBytes: 1_000, maxBytesPerPartition: 1_000 })
    expect((await fetch(0))[0]?.records).toHaveLength(1)

    const timers = vi.spyOn(globalThis, 'setTimeout')
    const beganAt = performance.now()
    expect((await fetch(1))[0]?.records).toHaveLength(0)
    // The broker has kept it waiting, and a timer per millisecond would have been set on each connection.
    expect(performance.now() - beganAt).toBeGreaterThan(waitMs / 2)
    expect(timers.mock.calls.length).toBeLessThan(10)
    // Node warns of those.
    expect(timers.mock.calls.filter(([, ms = 0]) => ms < 0)).toEqual([])
  })
})
