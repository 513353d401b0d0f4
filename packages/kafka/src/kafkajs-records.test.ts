import { expect, test } from 'vitest'
import { ByteWriter } from './byte-writer.ts'
import { fetchedOf } from './kafkajs-records.ts'
import { writeBatch } from './record-batch.ts'

const message = (offset: number, more: object = {}) => ({
  offset: String(offset),
  timestamp: '7',
  key: null,
  value: Buffer.from(`v${offset}`),
  ...more,
})
const inTransaction = (producerId: string) => ({ batchContext: { producerId, inTransaction: true } })
const marker = { isControlRecord: true }

test('records begin at the offset that was asked for, and reading goes on after what Kafka keeps for itself', () => {
  const request = { from: [{ topic: 't', partition: 0, offset: 5 }], maxWaitMs: 0, maxBytes: 1, maxBytesPerPartition: 1 }
  const messages = [
    message(4),
    message(5, { headers: { a: Buffer.from('é'), b: ['1', '2'], c: undefined, d: null, e: ['1', null] } }),
    message(6, { ...marker, ...inTransaction('1') }),
  ]
  const [fetched] = fetchedOf(request, [{ topicName: 't', partitions: [{ partition: 0, highWatermark: '9', messages }] }])
  expect(fetched).toMatchObject({ next: 7, end: 9, records: [{ offset: 5, timestampMs: 7, headers: { a: 'é', b: '2' } }] })
  expect(fetched?.records).toHaveLength(1)
  expect(fetched?.records[0]?.headers).toEqual({ a: 'é', b: '2' })
})

test('what a transaction wrote that was aborted is left out, and nothing else', () => {
  const request = { from: [{ topic: 't', partition: 0, offset: 0 }], maxWaitMs: 0, maxBytes: 1, maxBytesPerPartition: 1 }
  const messages = [
    message(0, inTransaction('a')),
    message(1, inTransaction('b')),
    message(2),
    message(3, { ...marker, ...inTransaction('a') }),
    message(4, inTransaction('a')),
    message(5, { ...marker, ...inTransaction('b') }),
    message(6, inTransaction('b')),
  ]
  const abortedTransactions = [{ producerId: 'a', firstOffset: '0' }]
  const [fetched] = fetchedOf(request, [
    { topicName: 't', partitions: [{ partition: 0, highWatermark: '7', messages, abortedTransactions }] },
  ])
  expect(fetched?.records.map(({ offset }) => offset)).toEqual([1, 2, 4, 6])
})

test('what is damaged of one partition is told beside what came of the others', () => {
  const from = [0, 1, 2].map((partition) => ({ topic: 't', partition, offset: 4 }))
  const answerOf = (partition: number, amend: (bytes: Buffer) => void) => {
    const writer = new ByteWriter(0)
    writeBatch(writer, [{ topic: 't', partition, key: 'k', value: 'v' }], { producerId: 1n, epoch: 0, sequence: 0, timestampMs: 1 })
    const batches = Buffer.from(writer.bytes)
    batches.writeBigInt64BE(4n, 0)
    amend(batches)
    return { partition, errorCode: 0, highWatermark: 9, aborted: [], batches }
  }
  const partitions = [
    answerOf(0, (bytes) => void bytes.writeInt8(9, bytes.length - 1)),
    answerOf(1, () => undefined),
    { ...answerOf(2, () => undefined), unread: new Error('no codec') },
    // Longer than what has come.
    answerOf(3, (bytes) => void bytes.writeInt8(1, 8)),
  ]
  for (const answers of [partitions, partitions.filter(({ partition }) => partition !== 1)]) {
    const fetched = fetchedOf({ from, maxWaitMs: 0, maxBytes: 1, maxBytesPerPartition: 1 }, [{ topicName: 't', partitions: answers }])
    expect(fetched).toHaveLength(answers.length)
    const [damaged, unread] = [fetched[0], fetched.find(({ partition }) => partition === 2)]
    expect(damaged).toMatchObject({ partition: 0, records: [], next: 4, end: 9, damage: { kind: 'unavailable' } })
    expect(damaged?.damage?.message).toContain('what Kafka has of t/0 from offset 4 on is damaged: the checksum')
    expect(unread?.damage?.message).toBe('reading: what Kafka has of t/2 from offset 4 on cannot be read: no codec')
    expect(fetched.at(-1)?.damage?.message).toContain('is damaged: a batch of 1677')
    for (const { partition, damage, records } of fetched)
      expect([damage === undefined, records.length]).toEqual(partition === 1 ? [true, 1] : [false, 0])
  }
})
