/** Writing while connections fail: what a producer promises its caller, and what is in the log afterwards. */
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { KafkaFault, kafkajsDriver, type KafkaDriver, type KafkaJsOptions, type KafkaProducer, type NewRecord } from '../src/index.ts'
import { clustersOf } from '../src/kafkajs-clusters.ts'
import { produce } from '../src/kafkajs-protocol.ts'
import { sequenceAfter } from '../src/produce-request.ts'
import { Broker } from './broker.ts'
import { apiKeys, type Frame, KafkaProxy, type Verdict } from './kafka-proxy.ts'

const requestTimeout = 700
const connectionTimeout = 2_000

interface Stage {
  readonly proxy: KafkaProxy
  readonly driver: KafkaDriver
  readonly producer: KafkaProducer
  readonly topic: string
  readonly broker: Broker
  /** The values in the log, by partition. */
  readonly written: () => Promise<readonly (readonly (string | null)[])[]>
}

async function staged(options: Partial<KafkaJsOptions> = {}): Promise<Stage> {
  const partitions = 2
  const broker = new Broker()
  const proxy = await KafkaProxy.before(Broker.url ?? '')
  const { socketFactory } = proxy
  const driver = kafkajsDriver({
    brokers: [...broker.brokers],
    clientId: 'test',
    requestTimeout,
    connectionTimeout,
    socketFactory,
    ...options,
  })
  onTestFinished(async () => {
    await driver.close()
    await proxy[Symbol.asyncDispose]()
    await broker[Symbol.asyncDispose]()
  })
  const topic = broker.topicOf('orders/written')
  await broker.create(topic, partitions)
  await broker.offsetsKnown(topic, partitions)
  const written = async (): Promise<readonly (readonly (string | null)[])[]> => {
    const records = await broker.read(topic)
    return Array.from({ length: partitions }, (_, partition) =>
      records.filter((record) => record.partition === partition).map(({ value }) => (value === null ? null : String(value))),
    )
  }
  return { proxy, driver, producer: await driver.producer(), topic, broker, written }
}

function recordsOf(topic: string, partition: number, ...values: readonly string[]): readonly NewRecord[] {
  return values.map((value) => ({ topic, partition, key: 'run', value }))
}

/** Does something to the first frame of a kind that comes, and passes the others on. */
function once(apiKey: number, verdict: (frame: Frame) => Verdict): (frame: Frame) => Verdict {
  let done = false
  return (frame) => {
    if (done || frame.apiKey !== apiKey) return 'pass'
    done = true
    return verdict(frame)
  }
}

describe.skipIf(Broker.url === undefined)('a producer', { timeout: 60_000 }, () => {
  test('answers the first offset of each partition, and goes on from call to call', async () => {
    const { producer, topic, written } = await staged()
    const [a, b] = [`${topic}/0`, `${topic}/1`]
    expect(await producer.send([...recordsOf(topic, 0, '1', '2'), ...recordsOf(topic, 1, '3')])).toEqual(
      new Map([
        [a, 0],
        [b, 0],
      ]),
    )
    expect(await producer.send([...recordsOf(topic, 1, '4'), ...recordsOf(topic, 0, '5'), ...recordsOf(topic, 1, '6')])).toEqual(
      new Map([
        [b, 1],
        [a, 2],
      ]),
    )
    expect(await written()).toEqual([
      ['1', '2', '5'],
      ['3', '4', '6'],
    ])
  })

  test('writes once what was written already when the connection ended before the answer', async () => {
    const { proxy, producer, topic, written } = await staged()
    await producer.send(recordsOf(topic, 0, '1'))
    proxy.onAnswer = once(apiKeys.produce, () => 'cut')
    expect(await producer.send([...recordsOf(topic, 0, '2', '3'), ...recordsOf(topic, 1, '4')])).toEqual(
      new Map([
        [`${topic}/0`, 1],
        [`${topic}/1`, 0],
      ]),
    )
    await producer.send(recordsOf(topic, 0, '5'))
    expect(await written()).toEqual([['1', '2', '3', '5'], ['4']])
  })

  test('writes once what it has sent three times, as two connections ended before the answer', async () => {
    const { proxy, producer, topic, written } = await staged()
    await producer.send(recordsOf(topic, 0, '1'))
    let cuts = 0
    proxy.onAnswer = ({ apiKey }) => (apiKey === apiKeys.produce && ++cuts <= 2 ? 'cut' : 'pass')
    await producer.send(recordsOf(topic, 0, '2', '3'))
    expect(cuts).toBe(3)
    await producer.send(recordsOf(topic, 0, '4'))
    expect(await written()).toEqual([['1', '2', '3', '4'], []])
  })

  test('writes what was lost on its way', async () => {
    const { proxy, producer, topic, written } = await staged()
    await producer.send(recordsOf(topic, 0, '1'))
    proxy.onRequest = once(apiKeys.produce, () => 'cut')
    await producer.send(recordsOf(topic, 0, '2'))
    expect(await written()).toEqual([['1', '2'], []])
  })

  test('gives a silent connection up after one requestTimeout, and goes on by a new one', async () => {
    const { proxy, producer, topic, written } = await staged()
    await producer.send(recordsOf(topic, 0, '1'))
    proxy.onAnswer = once(apiKeys.produce, () => 'swallow')
    const beganAt = performance.now()
    await producer.send(recordsOf(topic, 0, '2'))
    const tookMs = performance.now() - beganAt
    expect(tookMs).toBeGreaterThanOrEqual(requestTimeout)
    // kafkajs would have waited five times, on the same connection.
    expect(tookMs).toBeLessThan(3 * requestTimeout)
    expect(await written()).toEqual([['1', '2'], []])
  })

  test('lets replicas take less time than a request may take, so that a broker can say that they were late', async () => {
    const { proxy, producer, topic, written } = await staged()
    const replicasMs: number[] = []
    proxy.onRequest = ({ apiKey, bytes }) => {
      // Behind the size, the head with the client's name, no transaction, and how many replicas.
      if (apiKey === apiKeys.produce) replicasMs.push(bytes.readInt32BE(4 + 8 + 2 + bytes.readInt16BE(12) + 2 + 2))
      return 'pass'
    }
    proxy.onAnswer = once(apiKeys.produce, ({ bytes }) => withError(bytes, 7))
    await producer.send(recordsOf(topic, 0, '1'))
    expect(replicasMs).toEqual([0.75 * requestTimeout, 0.75 * requestTimeout])
    expect(await written()).toEqual([['1'], []])
  })

  test('gives up where all connections are silent, and tells that in time', async () => {
    const { proxy, producer, topic, written } = await staged()
    await producer.send(recordsOf(topic, 0, '1'))
    proxy.onRequest = ({ apiKey }) => (apiKey === apiKeys.produce ? 'swallow' : 'pass')
    const beganAt = performance.now()
    await expect(producer.send(recordsOf(topic, 0, '2'))).rejects.toMatchObject({ kind: 'unavailable' })
    expect(performance.now() - beganAt).toBeLessThan(4 * requestTimeout)
    await expect(producer.send(recordsOf(topic, 0, '3'))).rejects.toThrow('none after one that failed')
    await producer.close()
    expect(await written()).toEqual([['1'], []])
  })

  test.each([
    ['who is there', apiKeys.apiVersions],
    ['to a login', apiKeys.saslHandshake],
  ] as const)('gives up where nobody says %s', async (_, silenced) => {
    const { proxy, producer, topic } = await staged({ sasl: { mechanism: 'plain', username: 'nobody', password: 'none' } })
    proxy.onRequest = ({ apiKey }) => (apiKey === silenced ? 'swallow' : 'pass')
    const beganAt = performance.now()
    await expect(producer.send(recordsOf(topic, 0, '1'))).rejects.toMatchObject({ kind: 'unavailable' })
    expect(performance.now() - beganAt).toBeLessThan(connectionTimeout + 2 * requestTimeout)
    await producer.close()
    await expect.poll(() => proxy.size).toBe(0)
  })

  test('sends again what a broker has refused for now, to whom leads then, with the same sequence numbers', async () => {
    const { proxy, producer, topic, written } = await staged()
    await producer.send([...recordsOf(topic, 0, '1'), ...recordsOf(topic, 1, '2')])
    let asked = 0
    proxy.onRequest = ({ apiKey }) => {
      if (apiKey === apiKeys.metadata) asked++
      return 'pass'
    }
    proxy.onAnswer = once(apiKeys.produce, ({ bytes }) => withError(bytes, 6))
    expect(await producer.send([...recordsOf(topic, 0, '3'), ...recordsOf(topic, 1, '4')])).toEqual(
      new Map([
        [`${topic}/0`, 1],
        [`${topic}/1`, 1],
      ]),
    )
    expect(asked).toBeGreaterThan(0)
    expect(await written()).toEqual([
      ['1', '3'],
      ['2', '4'],
    ])
  })

  test('waits for a broker that has just started, and gives no ids to producers yet', async () => {
    const { proxy, producer, topic, written } = await staged()
    let refusals = 0
    proxy.onAnswer = ({ apiKey, bytes }) => {
      // Behind the size, the correlation id and the throttling: that its coordinator is loading.
      if (apiKey === apiKeys.initProducerId && ++refusals <= 6) bytes.writeInt16BE(14, 12)
      return 'pass'
    }
    await producer.send(recordsOf(topic, 0, '1'))
    expect(refusals).toBe(7)
    expect(await written()).toEqual([['1'], []])
  })

  test.each([
    [3, 'missing'],
    [6, 'led elsewhere'],
    [10, 'too large'],
    [19, 'unavailable'],
    [29, 'denied'],
    [44, 'refused'],
    [45, 'unavailable'],
    [9_999, 'unavailable'],
  ] as const)('says what error %i of a broker means: %s', async (code, kind) => {
    const { proxy, producer, topic } = await staged()
    proxy.onAnswer = ({ apiKey, bytes }) => (apiKey === apiKeys.produce ? withError(bytes, code) : 'pass')
    const refused: unknown = await producer.send(recordsOf(topic, 0, '1')).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(KafkaFault)
    expect(refused).toMatchObject({ kind })
  })

  test('takes a partition without an answer for a failure, and tells which partitions there are', async () => {
    const { proxy, producer, topic, driver } = await staged()
    await expect(producer.send(recordsOf(topic, 2, '1'))).rejects.toMatchObject({
      kind: 'missing',
      message: `writing: topic ${topic} has no partition 2, it has 2`,
    })
    const another = await driver.producer()
    await expect(another.send(recordsOf(`${topic}-nix`, 0, '1'))).rejects.toMatchObject({ kind: 'missing' })
    // An answer that names partition 9 instead of 0.
    proxy.onAnswer = once(apiKeys.produce, ({ bytes }) => {
      bytes.writeInt32BE(9, partitionAt(bytes))
      return bytes
    })
    await expect((await driver.producer()).send(recordsOf(topic, 0, '1'))).rejects.toMatchObject({ kind: 'unavailable' })
  })

  test('finds partitions that were added after it has asked', async () => {
    const { producer, topic, broker, written } = await staged()
    await producer.send(recordsOf(topic, 0, '1'))
    await (await broker.admin()).createPartitions({ topicPartitions: [{ topic, count: 3 }] })
    await broker.offsetsKnown(topic, 3)
    await producer.send(recordsOf(topic, 2, '2'))
    expect((await written()).flat()).toEqual(['1'])
    expect((await broker.read(topic)).map(({ partition }) => partition)).toEqual([0, 2])
  })

  test('numbers its records up to the last number of 31 bits, and then from 0', async () => {
    const { broker, topic, written } = await staged()
    const cluster = clustersOf(new Kafka({ brokers: [...broker.brokers], clientId: 'test', logLevel: logLevel.NOTHING }))()
    onTestFinished(() => cluster.disconnect())
    await cluster.connect()
    const metadata = await cluster.metadata({ topics: [topic] })
    const leader = await cluster.findBroker({ nodeId: String(metadata?.topicMetadata[0]?.partitionMetadata[0]?.leader) })
    const { producerId, producerEpoch: epoch } = await leader.initProducerId({ transactionTimeout: 60_000 })
    let sequence = 2 ** 31 - 3
    for (const values of [['1', '2'], ['3', '4', '5'], ['6']]) {
      const batch = { topic, partition: 0, sequence, records: recordsOf(topic, 0, ...values) }
      const answers = await produce(leader, [batch], {
        producerId: BigInt(producerId),
        epoch,
        timestampMs: Date.now(),
        replicasMs: requestTimeout,
      })
      expect(answers).toMatchObject([{ errorCode: 0 }])
      sequence = sequenceAfter(sequence, values.length)
    }
    expect(await written()).toEqual([['1', '2', '3', '4', '5', '6'], []])
  })

  test('waits as long as a broker asks for', async () => {
    const { proxy, producer, topic } = await staged()
    const throttleMs = 400
    proxy.onAnswer = once(apiKeys.produce, ({ bytes }) => {
      bytes.writeInt32BE(throttleMs, bytes.length - 4)
      return bytes
    })
    await producer.send(recordsOf(topic, 0, '1'))
    const beganAt = performance.now()
    await producer.send(recordsOf(topic, 0, '2'))
    expect(performance.now() - beganAt).toBeGreaterThan(throttleMs / 2)
  })

  test('that is closed leaves no connection behind, and ends what is under way', async () => {
    const { proxy, producer, topic, driver } = await staged()
    await producer.send(recordsOf(topic, 0, '1'))
    await producer.close()
    await expect.poll(() => proxy.size).toBe(0)
    const silent = await driver.producer()
    const swallowed = Promise.withResolvers<void>()
    proxy.onRequest = ({ apiKey }) => {
      if (apiKey !== apiKeys.produce) return 'pass'
      swallowed.resolve()
      return 'swallow'
    }
    const sending = silent.send(recordsOf(topic, 0, '2')).catch((error: unknown) => error)
    await swallowed.promise
    const beganAt = performance.now()
    await silent.close()
    expect(await sending).toMatchObject({ kind: 'unavailable' })
    expect(performance.now() - beganAt).toBeLessThan(requestTimeout)
    await expect.poll(() => proxy.size).toBe(0)
  })

  test('leaves no connection behind when it is closed as soon as a call has begun', async () => {
    const { proxy, topic, driver } = await staged()
    for (let ticks = 0; ticks < 20; ticks++) {
      const producer = await driver.producer()
      const sending = producer.send(recordsOf(topic, 0, '1')).catch((error: unknown) => error)
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
      await producer.close()
      expect(await sending).toMatchObject({ kind: 'unavailable' })
    }
    await expect.poll(() => proxy.size).toBe(0)
  })

  test('ends with its driver, in the midst of a call', async () => {
    const { proxy, producer, topic, driver } = await staged()
    const swallowed = Promise.withResolvers<void>()
    proxy.onRequest = ({ apiKey }) => {
      if (apiKey !== apiKeys.produce) return 'pass'
      swallowed.resolve()
      return 'swallow'
    }
    const sending = producer.send(recordsOf(topic, 0, '1')).catch((error: unknown) => error)
    await swallowed.promise
    await driver.close()
    expect(await sending).toMatchObject({ kind: 'unavailable', message: 'writing: the producer has been closed' })
    await expect.poll(() => proxy.size).toBe(0)
    const { count } = proxy
    await expect(driver.producer()).rejects.toMatchObject({ kind: 'unavailable' })
    expect(proxy.count).toBe(count)
  })
})

/** An answer to a request to write, with another error for its first partition. */
function withError(answer: Buffer, code: number): Buffer {
  answer.writeInt16BE(code, partitionAt(answer) + 4)
  return answer
}

/** Behind the size, the correlation id, how many topics there are, the name of the first, and how many partitions that has. */
function partitionAt(answer: Buffer): number {
  return 4 + 4 + 4 + 2 + answer.readInt16BE(12) + 4
}
