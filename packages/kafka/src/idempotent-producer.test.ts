import { expect, test } from 'vitest'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { NewRecord } from './driver.ts'
import { IdempotentProducer } from './idempotent-producer.ts'
import type { Cluster } from './kafkajs-clusters.ts'
import { type Broker, type ConnectionPool, decodeFetches } from './kafkajs-protocol.ts'

type Exchange = Parameters<ConnectionPool['send']>[0]

/** What one broker was asked to write. */
interface Written {
  readonly broker: string
  readonly partition: number
  readonly sequence: number
}

const notLeader = 6
const sequenceAt = 53
const replicasMs = 4_321

/** Two brokers, of which each takes only what it leads. They answer when they are let. */
function brokersOf(leaders: string[], answering: Promise<void> = Promise.resolve()) {
  const written: Written[] = []
  let [asked, ids, underway, mostAtOnce] = [0, 0, 0, 0]
  let connected = true
  const brokerOf = (name: string): Partial<Broker> => ({
    initProducerId: async () => ({ producerId: String(++ids), producerEpoch: 0 }),
    lookupRequest: (_, { versions }) => versions.at(-1) ?? 0,
    connectionPool: {
      pool: [],
      isConnected: () => connected,
      send: async ({ request, response }: Exchange): Promise<unknown> => {
        const { buffer } = (await request.encode()) as { readonly buffer: Buffer }
        mostAtOnce = Math.max(mostAtOnce, ++underway)
        await answering
        underway--
        const partitions = partitionsOf(buffer)
        written.push(...partitions.map((one) => ({ broker: name, ...one })))
        const answer = answerOf(partitions.map(({ partition }) => ({ partition, error: leaders[partition] === name ? 0 : notLeader })))
        // What it decodes is what it parses.
        return response.parse((await response.decode(answer)) as never)
      },
    },
  })
  const brokers = new Map(['1', '2'].map((name) => [name, brokerOf(name)]))
  const cluster: Partial<Cluster> = {
    connect: async () => undefined,
    disconnect: async () => undefined,
    abandon: () => undefined,
    metadata: async () => {
      asked++
      const partitionMetadata = leaders.map((leader, partitionId) => ({ partitionId, leader: Number(leader) }))
      return { topicMetadata: [{ topic: 't', partitionMetadata }] }
    },
    // A producer asks its brokers for nothing else.
    findBroker: async ({ nodeId }) => brokers.get(nodeId) as Broker,
  }
  const producer = new IdempotentProducer({ newCluster: () => cluster as Cluster, onDiscard: () => undefined, openMs: 5_000, replicasMs })
  const disconnect = (): void => {
    connected = false
  }
  return { producer, written, disconnect, counts: () => ({ asked, ids, mostAtOnce }) }
}

function partitionsOf(request: Buffer): readonly Omit<Written, 'broker'>[] {
  const reader = new ByteReader(request)
  // No transaction, all replicas, how long they may take.
  reader.skip(2 + 2)
  expect(reader.int32()).toBe(replicasMs)
  return reader
    .array(() => {
      reader.text()
      return reader.array(() => {
        const partition = reader.int32()
        const batch = reader.skip(reader.int32())
        return { partition, sequence: request.readInt32BE(batch + sequenceAt) }
      })
    })
    .flat()
}

function answerOf(partitions: readonly { readonly partition: number; readonly error: number }[]): Buffer {
  const writer = new ByteWriter(0)
  writer.int32(1)
  writer.text('t')
  writer.int32(partitions.length)
  for (const { partition, error } of partitions) {
    writer.int32(partition)
    writer.int16(error)
    for (const value of [7n, -1n, 0n]) writer.int64(value)
  }
  writer.int32(0)
  return writer.bytes
}

function record(partition: number): NewRecord {
  return { topic: 't', partition, key: 'k', value: 'v' }
}

test('each leader gets one request, all of them at once, by one producer', async () => {
  const answering = Promise.withResolvers<void>()
  const { producer, written, counts } = brokersOf(['1', '2', '1'], answering.promise)
  const sending = producer.send([record(0), record(1), record(2), record(0)])
  await expect.poll(() => counts().mostAtOnce).toBe(2)
  answering.resolve()
  expect([...(await sending)]).toHaveLength(3)
  await producer.send([record(0)])
  expect(written).toEqual([
    { broker: '1', partition: 0, sequence: 0 },
    { broker: '1', partition: 2, sequence: 0 },
    { broker: '2', partition: 1, sequence: 0 },
    { broker: '1', partition: 0, sequence: 2 },
  ])
  // Leaders are not asked for again while all goes well.
  expect(counts()).toEqual({ asked: 1, ids: 1, mostAtOnce: 2 })
})

test('what a broker no longer leads goes to the one that does, with the same sequence number, and nothing else goes again', async () => {
  const leaders = ['1', '2', '1']
  const { producer, written, counts } = brokersOf(leaders)
  await producer.send([record(0), record(1), record(2)])
  written.length = 0
  leaders[0] = '2'
  expect([...(await producer.send([record(0), record(0), record(1), record(2)])).keys()].toSorted()).toEqual(['t/0', 't/1', 't/2'])
  expect(written).toEqual([
    { broker: '1', partition: 0, sequence: 1 },
    { broker: '1', partition: 2, sequence: 1 },
    { broker: '2', partition: 1, sequence: 1 },
    { broker: '2', partition: 0, sequence: 1 },
  ])
  await producer.send([record(0)])
  expect(written.at(-1)).toEqual({ broker: '2', partition: 0, sequence: 3 })
  expect(counts()).toMatchObject({ asked: 2, ids: 1 })
})

test('after a connection has ended there is a new producer id, and numbers begin anew: there may be another Kafka behind the next one', async () => {
  const { producer, written, counts, disconnect } = brokersOf(['1'])
  await producer.send([record(0)])
  await producer.send([record(0)])
  disconnect()
  await producer.send([record(0)])
  expect(written.map(({ sequence }) => sequence)).toEqual([0, 1, 0])
  expect(counts()).toMatchObject({ ids: 2 })
})

test('a partition without a leader is asked for a few times, and then given up', async () => {
  const { producer, written, counts } = brokersOf(['1', '-1'])
  await expect(producer.send([record(0), record(1)])).rejects.toMatchObject({
    kind: 'led elsewhere',
    message: 'writing: partition 1 of topic t has no leader now',
  })
  expect(counts().asked).toBe(5)
  expect(written).toEqual([])
})

test('brokers that are built in another way than those of kafkajs 2.2.4 are said to be so', async () => {
  const cluster: Partial<Cluster> = {
    connect: async () => undefined,
    disconnect: async () => undefined,
    abandon: () => undefined,
    metadata: async () => ({ topicMetadata: [{ topic: 't', partitionMetadata: [{ partitionId: 0, leader: 1 }] }] }),
    findBroker: async () => ({}) as Broker,
  }
  const producer = new IdempotentProducer({ newCluster: () => cluster as Cluster, onDiscard: () => undefined, openMs: 5_000, replicasMs })
  await expect(producer.send([record(0)])).rejects.toMatchObject({
    code: 'Configuration',
    message: expect.stringContaining('install kafkajs@2.2.4'),
  })
  // Nor do connections without a way to send pass for some.
  expect(() => decodeFetches({ pool: [] } as unknown as ConnectionPool)).toThrow('install kafkajs@2.2.4')
})
