import type { Fence } from '@workflow/core/adapter'
import { memoryConnector } from '@workflow/testing'
import { expect, test } from 'vitest'
import { reading } from './reading.ts'

const fence: Fence = { role: 'carrier', domain: 'test', token: 1n }
const signal = AbortSignal.timeout(10_000)

test('begins where it is told, names events anew, and counts what is in hand', async () => {
  const stream = memoryConnector()
  await stream.publish([1, 2, 3].map((value) => ({ key: 'a', value, headers: { id: `m-${value}` } })))
  const counts: number[] = []
  const source = reading(stream, { from: 'earliest', idOf: ({ headers }) => headers['id'] ?? '', onInHand: (count) => counts.push(count) })
  await using receiver = await source.connect({ name: 'test', from: 'latest', fence })
  const [first, second] = await receiver.receive({ max: 2, signal })
  expect([first?.event.id, second?.event.id]).toEqual(['m-1', 'm-2'])
  await first?.ack()
  expect((await receiver.receive({ max: 2, signal })).map(({ event }) => event.id)).toEqual(['m-3'])
  expect(counts).toEqual([2, 2])
})

test('goes on where it was, and not where it is told to begin', async () => {
  const stream = memoryConnector()
  const source = reading(stream, { from: 'earliest' })
  await stream.publish([{ key: 'a', value: 1 }])
  {
    await using receiver = await source.connect({ name: 'test', from: 'latest', fence })
    for (const { ack } of await receiver.receive({ max: 10, signal })) await ack()
  }
  await stream.publish([{ key: 'a', value: 2 }])
  await using receiver = await source.connect({ name: 'test', from: 'latest', fence: { ...fence, token: 2n } })
  expect((await receiver.receive({ max: 10, signal })).map(({ event }) => event.value)).toEqual([2])
})
