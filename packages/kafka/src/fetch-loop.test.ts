import { consoleLogger, systemClock } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import type { Fetched, FetchRequest, KafkaDriver, KafkaRecord } from './driver.ts'
import { FetchLoop } from './fetch-loop.ts'
import { Source } from './source.ts'

const record = (offset: number): KafkaRecord => ({ offset, timestampMs: 1, key: null, value: null, headers: {} })

test('a partition that always has something does not keep the large batches of others away', async () => {
  const asked: number[] = []
  // As brokers do it with batches that are larger than the share of a partition: only the first that has something gets an answer.
  const fetch = async (_: string, { from }: FetchRequest): Promise<readonly Fetched[]> => {
    const [first] = from
    asked.push(first?.partition ?? -1)
    return from.map((at) => {
      const records = at === first ? [record(at.offset)] : []
      return { ...at, records, next: at.offset + records.length, end: at.offset + 1 }
    })
  }
  // The loop asks for nothing else while all goes well.
  const driver = { fetch } as Partial<KafkaDriver> as KafkaDriver
  const sources = [0, 1, 2].map((partition) => {
    const source = new Source({ topic: 't', slot: partition, at: { topic: 't', partition }, name: 't' }, 0, {
      durable: false,
      known: false,
    })
    source.leader = '1'
    return source
  })
  const loop = new FetchLoop({ name: 'orders', driver, clock: systemClock, logger: consoleLogger(), onChange: () => undefined })
  loop.add(sources)
  await expect.poll(() => asked.length).toBeGreaterThan(8)
  loop.close()
  expect(new Set(asked.slice(0, 9))).toEqual(new Set([0, 1, 2]))
})
