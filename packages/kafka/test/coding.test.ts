/** Records as they are coded here, beside kafkajs: each reads what the other has written. */
import type * as KafkaJs from 'kafkajs'
import { type Kafka, type KafkaMessage, type Message, Partitioners } from 'kafkajs'
import { createRequire } from 'node:module'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Fetched, type FetchRequest, type KafkaDriver, kafkajsDriver } from '../src/index.ts'
import { fetchAnswerOf } from '../src/fetch-answer.ts'
import { fetchedOf } from '../src/kafkajs-records.ts'
import { Broker } from './broker.ts'
import { apiKeys, KafkaProxy } from './kafka-proxy.ts'

const require = createRequire(import.meta.url)
/** Names that Node does not find among the exports of a CommonJS module. */
const { CompressionCodecs, CompressionTypes } = require('kafkajs') as typeof KafkaJs
/** How kafkajs itself decodes the answers that are decoded here. */
const { decode } = require('kafkajs/src/protocol/requests/fetch/v11/response') as {
  readonly decode: (bytes: Buffer) => Promise<{ readonly responses: Parameters<typeof fetchedOf>[1] }>
}

interface Stage {
  readonly broker: Broker
  readonly driver: KafkaDriver
  readonly topic: string
  readonly proxy: KafkaProxy
  /** What came of a whole partition. */
  readonly fetch: (offset?: number, partition?: number) => Promise<Fetched>
  /** The bodies of all answers to fetches until now. */
  readonly answers: readonly Buffer[]
}

async function staged(settings: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const broker = new Broker()
  const proxy = await KafkaProxy.before(Broker.url ?? '')
  const driver = kafkajsDriver({ brokers: [...broker.brokers], clientId: 'test', socketFactory: proxy.socketFactory })
  onTestFinished(async () => {
    await driver.close()
    await proxy[Symbol.asyncDispose]()
    await broker[Symbol.asyncDispose]()
  })
  const topic = broker.topicOf('orders/coded')
  await driver.create([{ topic, partitions: 2, replicationFactor: 1, settings }])
  await broker.offsetsKnown(topic, 2)
  const answers: Buffer[] = []
  proxy.onAnswer = ({ apiKey, bytes }) => {
    if (apiKey === apiKeys.fetch) answers.push(bytes.subarray(8))
    return 'pass'
  }
  const fetch = async (offset = 0, partition = 0): Promise<Fetched> => {
    const [leader = ''] = (await driver.describe([topic])).get(topic) ?? []
    const [fetched] = await driver.fetch(leader, requestOf(topic, [partition], offset))
    if (fetched === undefined) throw new Error('there is no answer')
    return fetched
  }
  return { broker, driver, topic, proxy, fetch, answers }
}

function requestOf(topic: string, partitions: readonly number[], offset = 0): FetchRequest {
  const from = partitions.map((partition) => ({ topic, partition, offset }))
  return { from, maxWaitMs: 0, maxBytes: 10_000_000, maxBytesPerPartition: 10_000_000 }
}

/** Whether something in an answer is left to kafkajs. */
function isForeign(answer: Buffer | undefined): boolean {
  return fetchAnswerOf(answer ?? Buffer.alloc(0)).responses.some(({ partitions }) =>
    partitions.some(({ foreign }) => foreign !== undefined),
  )
}

/** As values, so that two ways to read can be compared. */
function told({ records, next, end }: Fetched): object {
  return {
    next,
    end,
    records: records.map(({ offset, timestampMs, key, value, headers }) => ({
      offset,
      timestampMs,
      key: key === null ? null : String(key),
      value: value === null ? null : String(value),
      headers,
    })),
  }
}

/** The newest answer as kafkajs decodes it. Fails where that was done anyway. */
async function byKafkaJs({ answers, topic }: Stage, offset = 0): Promise<Fetched | undefined> {
  const answer = answers.at(-1) ?? Buffer.alloc(0)
  expect(isForeign(answer)).toBe(false)
  const { responses } = await decode(answer)
  return fetchedOf(requestOf(topic, [0], offset), responses)[0]
}

async function consumed(client: Kafka, topic: string, count: number): Promise<readonly KafkaMessage[]> {
  const consumer = client.consumer({ groupId: topic })
  await consumer.connect()
  onTestFinished(() => consumer.disconnect())
  await consumer.subscribe({ topic, fromBeginning: true })
  const messages: KafkaMessage[] = []
  await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) })
  await expect.poll(() => messages.length, { timeout: 30_000 }).toBe(count)
  return messages
}

async function publish(broker: Broker, topic: string, messages: readonly Message[], compression: number): Promise<void> {
  const producer = broker.client().producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic, compression, messages: messages.map((message) => ({ partition: 0, ...message })) })
  await producer.disconnect()
}

describe.skipIf(Broker.url === undefined)('records', { timeout: 90_000 }, () => {
  test('that are written here are read by kafkajs as they were meant', async () => {
    const { broker, driver, topic } = await staged()
    const records = [
      { key: 'run', value: 'plain', headers: { a: '1', b: '' } },
      { key: 'Schlüssel 鍵 \u{1f511}', value: 'Wörter \u{1f600} 語 "\u0000"', headers: { 'Köpfe ': 'ß'.repeat(300) } },
      { key: '', value: null },
      { key: 'large', value: 'ü'.repeat(200_000), headers: {} },
      { key: 'long'.repeat(100), value: '' },
    ]
    const producer = await driver.producer()
    const beganAt = Date.now()
    await producer.send(records.map((record) => ({ topic, partition: 0, ...record })))
    const messages = await consumed(broker.client(), topic, records.length)
    expect(
      messages.map(({ key, value, headers = {} }) => ({
        key: String(key),
        value: value === null ? null : String(value),
        headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)])),
      })),
    ).toEqual(records.map((record) => ({ headers: {}, ...record })))
    for (const { timestamp } of messages) expect(Math.abs(Number(timestamp) - beganAt)).toBeLessThan(30_000)
  })

  test('that kafkajs has written are read here as it would read them', async () => {
    const stage = await staged()
    const { broker, topic, fetch } = stage
    const messages: Message[] = [
      { key: null, value: 'one', headers: { a: 'x', b: ['1', '2', '3'], c: Buffer.from('é') } },
      { key: 'k', value: null, timestamp: '1000' },
      { key: Buffer.from([255, 0]), value: Buffer.from([254]), timestamp: '999' },
      { key: 'k', value: 'last', headers: { __proto: '' } },
    ]
    await publish(broker, topic, messages, CompressionTypes.None)
    await publish(broker, topic, [{ value: 'another batch' }], CompressionTypes.None)
    for (const offset of [0, 2, 4]) {
      const ours = told(await fetch(offset))
      expect(ours).toEqual(told((await byKafkaJs(stage, offset)) ?? Object.create(null)))
      expect(ours).toMatchObject({ next: 5, end: 5 })
    }
    expect((await fetch()).records[0]?.headers).toEqual({ a: 'x', b: '3', c: 'é' })
  })

  test('of transactions come when they are committed, and not when they are aborted', async () => {
    const stage = await staged()
    const { broker, topic, fetch } = stage
    const producers = ['one', 'two'].map((name) =>
      broker.client().producer({
        transactionalId: `${broker.prefix}-${name}`,
        idempotent: true,
        maxInFlightRequests: 1,
        createPartitioner: Partitioners.DefaultPartitioner,
      }),
    )
    const [one, two] = producers
    if (one === undefined || two === undefined) throw new Error('there are two')
    for (const producer of producers) await producer.connect()
    const send = (to: Pick<typeof one, 'send'>, value: string) => to.send({ topic, messages: [{ value, partition: 0 }] })
    const [a, b] = [await one.transaction(), await two.transaction()]
    await send(a, 'aborted 1')
    await send(b, 'committed 1')
    await send(a, 'aborted 2')
    await publish(broker, topic, [{ value: 'by itself' }], CompressionTypes.None)
    await a.abort()
    await send(b, 'committed 2')
    await b.commit()
    const c = await one.transaction()
    await send(c, 'committed 3')
    await c.commit()
    for (const producer of producers) await producer.disconnect()
    const fetched = await fetch()
    expect(fetched.records.map(({ value }) => String(value))).toEqual(['committed 1', 'by itself', 'committed 2', 'committed 3'])
    expect(told(fetched)).toEqual(told((await byKafkaJs(stage)) ?? Object.create(null)))
    expect(fetched.next).toBe(fetched.end)
  })

  test('have the time of the log where the topic says so', async () => {
    const stage = await staged({ 'message.timestamp.type': 'LogAppendTime' })
    const { broker, topic, fetch } = stage
    const beganAt = Date.now()
    await publish(broker, topic, [{ value: 'v', timestamp: '1000' }], CompressionTypes.None)
    const fetched = await fetch()
    expect(Math.abs((fetched.records[0]?.timestampMs ?? 0) - beganAt)).toBeLessThan(30_000)
    expect(told(fetched)).toEqual(told((await byKafkaJs(stage)) ?? Object.create(null)))
  })

  test('in compressed batches are read by kafkajs, together with all of their partition', async () => {
    const { broker, driver, topic, fetch, answers } = await staged()
    const producer = await driver.producer()
    await producer.send([0, 1].map((partition) => ({ topic, partition, key: 'k', value: 'plain' })))
    await publish(broker, topic, [{ value: 'gzip 1', headers: { a: ['1', '2'] } }, { value: 'gzip 2' }], CompressionTypes.GZIP)
    await producer.send([{ topic, partition: 0, key: 'k', value: 'plain again' }])
    const [leader = ''] = (await driver.describe([topic])).get(topic) ?? []
    const fetched = (await driver.fetch(leader, requestOf(topic, [0, 1]))).toSorted((a, b) => a.partition - b.partition)
    expect(isForeign(answers.at(-1))).toBe(true)
    expect(fetched.map(({ records }) => records.map(({ value }) => String(value)))).toEqual([
      ['plain', 'gzip 1', 'gzip 2', 'plain again'],
      ['plain'],
    ])
    expect(fetched[0]).toMatchObject({ next: 4, end: 4 })
    expect(fetched[0]?.records[1]?.headers).toEqual({ a: '2' })
    expect((await fetch(2)).records.map(({ offset }) => offset)).toEqual([2, 3])
  })

  test('need the codec that kafkajs was given, and without one it is said which', async () => {
    const { broker, driver, topic, fetch } = await staged()
    const none = CompressionCodecs[CompressionTypes.ZSTD]
    const restore = (): void => void (CompressionCodecs[CompressionTypes.ZSTD] = none)
    onTestFinished(restore)
    CompressionCodecs[CompressionTypes.ZSTD] = () => ({
      compress: async ({ buffer }: { readonly buffer: Buffer }) => zstdCompressSync(buffer),
      decompress: async (bytes: Buffer) => zstdDecompressSync(bytes),
    })
    await publish(broker, topic, [{ value: 'v'.repeat(100) }], CompressionTypes.ZSTD)
    expect((await fetch()).records.map(({ value }) => String(value))).toEqual(['v'.repeat(100)])
    restore()
    const producer = await driver.producer()
    await producer.send([{ topic, partition: 1, key: 'k', value: 'other' }])
    const [leader = ''] = (await driver.describe([topic])).get(topic) ?? []
    const both = (await driver.fetch(leader, requestOf(topic, [0, 1]))).toSorted((a, b) => a.partition - b.partition)
    const message = `reading: what Kafka has of ${topic}/0 from offset 0 on cannot be read: ZSTD compression not implemented`
    expect(both).toMatchObject([{ records: [], next: 0, damage: { kind: 'unavailable', message } }, { records: [{ offset: 0 }] }])
  })

  test('that were damaged are not handed out, hinder no others, and are read again', async () => {
    const { driver, topic, proxy, fetch } = await staged()
    const producer = await driver.producer()
    await producer.send([{ topic, partition: 0, key: 'k', value: 'precious' }])
    await producer.send([{ topic, partition: 1, key: 'k', value: 'other' }])
    let damage: 'text' | 'none' | number = 'text'
    proxy.onAnswer = ({ apiKey, bytes }) => {
      const at = bytes.indexOf('precious')
      if (apiKey !== apiKeys.fetch || at < 0) return 'pass'
      if (damage === 'text') bytes.write('t', at, 'latin1')
      // Before the value are the head of its batch and eight bytes: sizes, the key and what says where the record is.
      else if (damage !== 'none') bytes.writeInt8(1, at - 68 + damage)
      return 'pass'
    }
    const message = `reading: what Kafka has of ${topic}/0 from offset 0 on is damaged: the checksum of a batch is not that of its bytes`
    expect(await fetch()).toMatchObject({ records: [], next: 0, end: 1, damage: { kind: 'unavailable', message } })
    const [leader = ''] = (await driver.describe([topic])).get(topic) ?? []
    const both = async (): Promise<readonly unknown[]> => {
      const fetched = await driver.fetch(leader, requestOf(topic, [0, 1]))
      return fetched
        .toSorted((a, b) => a.partition - b.partition)
        .map(({ records, damage }) => damage?.message ?? String(records[0]?.value))
    }
    expect(await both()).toEqual([message, 'other'])
    damage = 'none'
    expect(await both()).toEqual(['precious', 'other'])
    // A bit that says that the batch is compressed, or of an older form: kafkajs would look at no checksum.
    for (const place of [22, 16]) {
      damage = place
      expect(await both()).toEqual([expect.stringContaining(`${topic}/0 from offset 0 on is damaged`), 'other'])
    }
  })

  test('are fetched when the broker wants to be asked again, and not before', async () => {
    const { driver, topic, proxy, fetch } = await staged()
    const producer = await driver.producer()
    await producer.send([{ topic, partition: 0, key: 'k', value: 'v' }])
    await fetch()
    const throttleMs = 400
    proxy.onAnswer = ({ apiKey, bytes }) => {
      if (apiKey === apiKeys.fetch) bytes.writeInt32BE(throttleMs, 8)
      return 'pass'
    }
    await fetch()
    const beganAt = performance.now()
    await fetch()
    expect(performance.now() - beganAt).toBeGreaterThan(throttleMs / 2)
  })
})
