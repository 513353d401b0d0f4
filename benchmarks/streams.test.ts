import { describe, expect, test } from 'vitest'
import { kafkaBinary } from '../scripts/services/kafka-binaries.ts'
import { natsBinary } from '../scripts/services/nats-binaries.ts'
import { postgresBinaries } from '../scripts/services/postgres-binaries.ts'
import { figuresOf } from './harness/small-form.ts'

describe.skipIf(natsBinary() === undefined)('a small form of the cases finds its figures on NATS', { timeout: 120_000 }, () => {
  test('throughput, beside the bare client', async () => {
    const figures = await figuresOf('streams', '--adapter', 'nats', '--case', 'throughput', '--runs', '2000')
    for (const metric of [
      'adapter',
      'bare client, a message per event',
      'bare client, 50 events per message',
      'adapter as part of the bare client',
    ])
      expect([metric, figures.get(metric)]).toEqual([metric, expect.toSatisfy((value: number) => value > 0)])
  })

  test('latency, and what idleness costs', async () => {
    const figures = await figuresOf('streams', '--adapter', 'nats', '--case', 'idle-latency,idle', '--runs', '20', '--seconds', '1')
    expect(figures.get('one hop, p50')).toBeGreaterThan(0)
    expect(figures.get('processor, server')).toBeGreaterThanOrEqual(0)
    expect(figures.get('memory more, server')).toBeGreaterThan(0)
  })

  test.skipIf(postgresBinaries().length === 0)('the engine, beside the same on Postgres alone', async () => {
    const figures = await figuresOf('streams', '--adapter', 'nats', '--case', 'engine', '--runs', '200')
    for (const way of ['Postgres', 'Postgres and nats'])
      for (const metric of ['to the last commit', 'to the last event handled', 'processor time'])
        expect([way, metric, figures.get(`${way}: ${metric}`)]).toEqual([way, metric, expect.toSatisfy((value: number) => value > 0)])
    // Handled comes after committed, and what is compared is what stands above it.
    for (const metric of ['to the last commit', 'to the last event handled']) {
      const [alone = 0, both = 0] = ['Postgres', 'Postgres and nats'].map((way) => figures.get(`${way}: ${metric}`))
      expect(figures.get(`Postgres and nats: ${metric}, of Postgres`)).toBeCloseTo((both / alone) * 100, 1)
    }
    const [committed = 0, handled = 0] = ['commit', 'event handled'].map((end) => figures.get(`Postgres and nats: to the last ${end}`))
    expect(handled).toBeLessThan(committed)
  })
})

describe.skipIf(kafkaBinary() === undefined)('a small form of the cases finds its figures on Kafka', { timeout: 120_000 }, () => {
  test("throughput, beside the bare client with and without the adapter's headers", async () => {
    const figures = await figuresOf('streams', '--adapter', 'kafka', '--case', 'throughput', '--runs', '2000')
    for (const metric of ['adapter', 'bare client, a message per event', "bare client, with the adapter's headers"])
      expect([metric, figures.get(metric)]).toEqual([metric, expect.toSatisfy((value: number) => value > 0)])
    const [ours = 0, same = 0] = ['adapter', "bare client, with the adapter's headers"].map((metric) => figures.get(metric))
    expect(figures.get("adapter as part of the bare client with the adapter's headers")).toBeCloseTo((ours / same) * 100, 1)
  })
})
