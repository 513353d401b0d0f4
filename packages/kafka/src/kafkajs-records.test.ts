import { expect, test } from 'vitest'
import { fetchedOf } from './kafkajs-records.ts'

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
