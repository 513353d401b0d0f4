import { createRequire } from 'node:module'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { NewRecord } from './driver.ts'
import { produceAnswerOf, produceRequestOf, sequenceAfter } from './produce-request.ts'
import { knownErrors, ProtocolError } from './protocol-error.ts'

const require = createRequire(import.meta.url)
/** kafkajs's own coding, of which nothing is published. */
const protocol = (what: string): unknown => require(`kafkajs/src/protocol/${what}`)
const requestOf = protocol('requests/produce/v7/request') as (request: object) => {
  readonly encode: () => Promise<{ readonly buffer: Buffer }>
}
const { createErrorFromCode } = protocol('error') as { readonly createErrorFromCode: (code: number) => object }

function int(size: 2 | 4 | 8, value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes.subarray(8 - size)
}

const record = (topic: string, partition: number, value: string | null): NewRecord => ({
  topic,
  partition,
  key: 'k',
  value,
  headers: { a: 'é' },
})

test('a request is to the byte what kafkajs sends', async () => {
  vi.useFakeTimers({ now: 1_795_326_743_205 })
  onTestFinished(() => void vi.useRealTimers())
  const places = [
    { topic: 'one', partition: 0, sequence: 0, records: [record('one', 0, 'x'), record('one', 0, null)] },
    { topic: 'two ü', partition: 7, sequence: 2_147_483_647, records: [record('two ü', 7, 'y'.repeat(1_000))] },
    { topic: 'one', partition: 3, sequence: 12, records: [record('one', 3, 'z')] },
  ]
  const { buffer } = await requestOf({
    acks: -1,
    timeout: 7_500,
    producerId: '77',
    producerEpoch: 2,
    topicData: [...Map.groupBy(places, ({ topic }) => topic)].map(([topic, its]) => ({
      topic,
      partitions: its.map(({ partition, sequence: firstSequence, records: messages }) => ({ partition, firstSequence, messages })),
    })),
  }).encode()
  const ours = produceRequestOf(places, { producerId: 77n, epoch: 2, timestampMs: Date.now(), replicasMs: 7_500 })
  expect(ours.toString('hex')).toBe(buffer.toString('hex'))
})

test.each([3, 4, 5, 6, 7])('an answer of version %i is what kafkajs makes of it', async (version) => {
  const partition = (number: number, error: number, offset: number): readonly Buffer[] => [
    int(4, number),
    int(2, error),
    int(8, offset),
    int(8, -1),
    ...(version >= 5 ? [int(8, 0)] : []),
  ]
  const bytes = Buffer.concat([
    int(4, 2),
    int(2, 1),
    Buffer.from('t'),
    int(4, 2),
    ...partition(0, 0, 2 ** 40),
    ...partition(1, 6, -1),
    int(2, 2),
    Buffer.from('ü'),
    int(4, 1),
    ...partition(5, -1, 3),
    int(4, 250),
  ])
  const { decode } = protocol(`requests/produce/v${version}/response`) as { readonly decode: (bytes: Buffer) => Promise<KafkaJsAnswer> }
  const theirs = await decode(bytes)
  expect(produceAnswerOf(bytes, version)).toEqual({
    clientSideThrottleTime: theirs.clientSideThrottleTime ?? 0,
    partitions: theirs.topics.flatMap(({ topicName: topic, partitions }) =>
      partitions.map(({ partition: number, errorCode, baseOffset }) => ({
        topic,
        partition: number,
        errorCode,
        offset: Number(baseOffset),
      })),
    ),
  })
  for (let size = 0; size < bytes.length; size++) expect(() => produceAnswerOf(bytes.subarray(0, size), version)).toThrow(RangeError)
})

interface KafkaJsAnswer {
  readonly clientSideThrottleTime?: number
  readonly topics: readonly {
    readonly topicName: string
    readonly partitions: readonly { readonly partition: number; readonly errorCode: number; readonly baseOffset: string }[]
  }[]
}

test('sequence numbers begin anew after the last one of 31 bits', () => {
  expect([sequenceAfter(0, 5), sequenceAfter(2 ** 31 - 6, 5), sequenceAfter(2 ** 31 - 5, 5), sequenceAfter(2 ** 31 - 1, 5)]).toEqual([
    5,
    2 ** 31 - 1,
    0,
    4,
  ])
})

test('errors of brokers are called as kafkajs calls them, and tried again where it would', () => {
  for (const code of knownErrors.keys()) {
    const { type, message, retriable } = new ProtocolError(code)
    expect(createErrorFromCode(code)).toMatchObject({ type, message, retriable })
  }
  expect(new ProtocolError(9_999)).toMatchObject({ retriable: false, message: 'Kafka has answered error code 9999' })
})
