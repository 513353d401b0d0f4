import type { Fence } from '@workflow/core/adapter'
import { memoryConnector } from '@workflow/testing'
import { expect, test } from 'vitest'
import { reading } from './reading.ts'

const fence: Fence = { role: 'carrier', domain: 'test', token: 1n }
const signal = AbortSignal.timeout(10_000)

test('names events anew, and counts what is in hand', async () => {
  const stream = memoryConnector()
  await stream.publish([1, 2, 3].map((value) => ({ key: 'a', value, headers: { id: `m-${value}` } })))
  const counts: number[] = []
  const source = reading(stream, { idOf: ({ headers }) => headers['id'] ?? '', onInHand: (count) => counts.push(count) })
  await using receiver = await source.connect({ name: 'test', from: 'earliest', fence })
  const [first, second] = await receiver.receive({ max: 2, signal })
  expect([first?.event.id, second?.event.id]).toEqual(['m-1', 'm-2'])
  await first?.ack()
  expect((await receiver.receive({ max: 2, signal })).map(({ event }) => event.id)).toEqual(['m-3'])
  expect(counts).toEqual([2, 2])
})
