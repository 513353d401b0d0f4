import { expect, test } from 'vitest'
import { ByteWriter } from './byte-writer.ts'
import { fetchAnswerOf } from './fetch-answer.ts'
import { writeBatch } from './record-batch.ts'

/** An answer with one record of each partition. */
function answerOf(values: readonly string[]): Buffer {
  const answer = new ByteWriter(0)
  answer.int32(0)
  answer.int16(0)
  // The session, and one topic.
  answer.int32(0)
  answer.int32(1)
  answer.text('t')
  answer.int32(values.length)
  for (const [partition, value] of values.entries()) {
    answer.int32(partition)
    answer.int16(0)
    for (const offset of [1n, 1n, 0n]) answer.int64(offset)
    // No transactions, no other replica.
    answer.int32(-1)
    answer.int32(-1)
    const sizeAt = answer.length
    answer.int32(0)
    writeBatch(answer, [{ topic: 't', partition, key: 'k', value }], { producerId: 1n, epoch: 0, sequence: 0, timestampMs: 1 })
    answer.amendInt32(sizeAt, answer.length - sizeAt - 4)
  }
  return answer.bytes
}

test('records of one partition do not keep in memory what came of others with them', () => {
  const bytes = 1_000_000
  const partitions = fetchAnswerOf(answerOf(['a', 'b'.repeat(bytes)]))?.responses[0]?.partitions ?? []
  expect(partitions.map(({ batches }) => batches.length > bytes)).toEqual([false, true])
  // Small ones share a buffer of Node's, which is small, too.
  expect(partitions[0]?.batches.buffer.byteLength).toBeLessThan(bytes / 10)
})
