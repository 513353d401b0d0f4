import { type Clock, consoleLogger, type Logger, systemClock } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { type Fetched, type FetchRequest, type KafkaDriver, KafkaFault, type KafkaRecord } from './driver.ts'
import { FetchLoop } from './fetch-loop.ts'
import { Source } from './source.ts'

const sourceOf = (partition: number): Source => {
  const source = new Source({ topic: 't', slot: partition, at: { topic: 't', partition }, name: 't' }, 0, { durable: false, known: false })
  source.leader = '1'
  return source
}
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
  const sources = [0, 1, 2].map(sourceOf)
  const loop = new FetchLoop({ name: 'orders', driver, clock: systemClock, logger: consoleLogger(), onChange: () => undefined })
  loop.add(sources)
  await expect.poll(() => asked.length).toBeGreaterThan(8)
  loop.close()
  expect(new Set(asked.slice(0, 9))).toEqual(new Set([0, 1, 2]))
})

test('a partition that ends with what compaction has left of a batch is not asked all the time', async () => {
  let asked = 0
  // Brokers answer at once, because there is something, and kafkajs finds no record in it.
  const fetch = async (_: string, { from }: FetchRequest): Promise<readonly Fetched[]> => {
    asked++
    return from.map((at) => ({ ...at, records: [], next: at.offset, end: at.offset + 1 }))
  }
  const timers: (() => void)[] = []
  const clock: Clock = {
    ...systemClock,
    setTimer: (_, callback) => {
      timers.push(callback)
      return { [Symbol.dispose]: () => undefined }
    },
  }
  // The loop asks for nothing else while all goes well.
  const driver = { fetch } as Partial<KafkaDriver> as KafkaDriver
  const loop = new FetchLoop({ name: 'orders', driver, clock, logger: consoleLogger(), onChange: () => undefined })
  loop.add([sourceOf(0)])
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect([asked, timers.length]).toEqual([1, 1])
  timers[0]?.()
  await expect.poll(() => asked).toBe(2)
  loop.close()
})

test('a partition whose bytes are damaged is told now and then and rests longer and longer, while the others go on', async () => {
  const asked = [0, 0]
  const told: unknown[] = []
  const delaysMs: number[] = []
  const timers: (() => void)[] = []
  const damage = new KafkaFault('unavailable', 'damaged')
  let healed = false
  const fetch = async (_: string, { from }: FetchRequest): Promise<readonly Fetched[]> => {
    await new Promise((resolve) => setImmediate(resolve))
    return from.map((at) => {
      asked[at.partition] = (asked[at.partition] ?? 0) + 1
      if (at.partition === 0 && !healed) return { ...at, records: [], next: at.offset, end: 9, damage }
      // The batches of the other one are so large that they come only by themselves.
      const records = from.length === 1 ? [record(at.offset)] : []
      return { ...at, records, next: at.offset + records.length, end: at.offset + 1 }
    })
  }
  const clock: Clock = {
    ...systemClock,
    setTimer: (ms, callback) => {
      delaysMs.push(ms)
      timers.push(callback)
      return { [Symbol.dispose]: () => undefined }
    },
  }
  const logger: Logger = { ...consoleLogger(), warn: (fields) => void told.push(fields) }
  const driver = { fetch } as Partial<KafkaDriver> as KafkaDriver
  const sources = [0, 1].map(sourceOf)
  const onChange = (): void => sources.forEach((source) => void source.shift())
  const loop = new FetchLoop({ name: 'orders', driver, clock, logger, onChange })
  loop.add(sources)
  for (let rests = 1; rests <= 20; rests++) {
    const before = asked[1] ?? 0
    await expect.poll(() => asked[1]).toBeGreaterThan(before + 10)
    expect([asked[0], timers.length]).toEqual([rests, rests])
    if (rests === 20) healed = true
    timers.at(-1)?.()
  }
  await expect.poll(() => asked[0]).toBeGreaterThan(21)
  loop.close()
  expect(told).toMatchObject([{ receiver: 'orders', topic: 't', slot: 0, failures: 1, error: damage }, { failures: 20 }])
  const growing = delaysMs.slice(0, 9)
  expect(growing).toEqual(growing.toSorted((a, b) => a - b))
  expect(delaysMs[0]).toBeLessThanOrEqual(100)
  expect(delaysMs.at(-1)).toBeGreaterThan(10_000)
})

test('a topic that was made anew, and is still empty when it is looked at, is not taken for the old one', async () => {
  let state: 'missing' | 'empty' | 'filled' = 'missing'
  const fetch = async (_: string, { from }: FetchRequest): Promise<readonly Fetched[]> => {
    if (state === 'missing') {
      state = 'empty'
      throw new KafkaFault('missing', 'there is no such topic')
    }
    await new Promise((resolve) => setImmediate(resolve))
    return from.map((at) => {
      const isFilled = state === 'filled'
      // What the topic holds comes right after the look at it.
      state = 'filled'
      const records = isFilled && at.offset === 0 ? [{ ...record(0), timestampMs: 2 }] : []
      return { ...at, records, next: at.offset + records.length, end: isFilled ? 1 : 0 }
    })
  }
  const driver = {
    fetch,
    describe: async () => new Map([['t', ['1']]]),
    offsets: async (_: unknown, which: 'earliest' | 'latest') => [which === 'earliest' || state !== 'filled' ? 0 : 1],
  } as Partial<KafkaDriver> as KafkaDriver
  const source = sourceOf(0)
  source.accept({ topic: 't', partition: 0, records: [record(0)], next: 1, end: 1 })
  source.shift()
  const loop = new FetchLoop({ name: 'orders', driver, clock: systemClock, logger: consoleLogger(), onChange: () => undefined })
  loop.add([source])
  await expect.poll(() => source.hasRecords).toBe(true)
  loop.close()
  expect([source.takeLoss(), source.shift()?.timestampMs]).toEqual([true, 2])
})

test.each(['led elsewhere', 'out of range'] as const)(
  'a topic that was made anew and filled, whose fetch is refused as %s, is read anew',
  async (kind) => {
    const written = Array.from({ length: 6 }, (_, offset) => ({ ...record(offset), timestampMs: 2 }))
    let refusals = 0
    const fetch = async (_: string, { from }: FetchRequest): Promise<readonly Fetched[]> => {
      if (refusals++ === 0) throw new KafkaFault(kind, 'refused')
      await new Promise((resolve) => setImmediate(resolve))
      return from.map((at) => ({ ...at, records: written.slice(at.offset), next: 6, end: 6 }))
    }
    const driver = {
      fetch,
      describe: async () => new Map([['t', ['1']]]),
      offsets: async (_: unknown, which: 'earliest' | 'latest') => [which === 'earliest' ? 0 : 6],
    } as Partial<KafkaDriver> as KafkaDriver
    const source = sourceOf(0)
    source.accept({ topic: 't', partition: 0, records: [0, 1, 2, 3].map(record), next: 4, end: 4 })
    while (source.hasRecords) source.shift()
    const loop = new FetchLoop({ name: 'orders', driver, clock: systemClock, logger: consoleLogger(), onChange: () => undefined })
    loop.add([source])
    await expect.poll(() => source.hasRecords).toBe(true)
    loop.close()
    expect([source.takeLoss(), source.shift()?.offset]).toEqual([true, 0])
  },
)

test('a leader that has just become one, and does not know its end yet, is no other topic', async () => {
  let answers = 0
  const fetch = async (_: string, { from }: FetchRequest): Promise<readonly Fetched[]> => {
    if (answers++ === 0) throw new KafkaFault('led elsewhere', 'refused')
    await new Promise((resolve) => setImmediate(resolve))
    // It hands out what is before its end only, and that is behind for a moment.
    const end = answers < 4 ? 2 : 5
    return from.map((at) => {
      const records = at.offset < end ? [0, 1, 2, 3, 4].map(record).slice(at.offset, end) : []
      return { ...at, records, next: at.offset + records.length, end }
    })
  }
  const driver = { fetch, describe: async () => new Map([['t', ['1']]]), offsets: async () => [0] } as Partial<KafkaDriver> as KafkaDriver
  const source = sourceOf(0)
  source.accept({ topic: 't', partition: 0, records: [0, 1, 2, 3].map(record), next: 4, end: 4 })
  while (source.hasRecords) source.shift()
  const loop = new FetchLoop({ name: 'orders', driver, clock: systemClock, logger: consoleLogger(), onChange: () => undefined })
  loop.add([source])
  await expect.poll(() => source.hasRecords).toBe(true)
  loop.close()
  expect([source.takeLoss(), source.shift()?.offset]).toEqual([false, 4])
})
