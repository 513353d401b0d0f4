import { expect, test } from 'vitest'
import { jsonCodec } from './json-codec.ts'

const context = { workflowName: 'orders', foreignId: 'a', runId: 'r', kind: 'object' } as const

function errorOf(work: () => unknown): Error {
  try {
    void work()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('it threw nothing')
}

test('a value that contains itself is refused with the beginning of its path, not with all of it', () => {
  const value: { self?: unknown } = {}
  value.self = value
  const { message } = errorOf(() => jsonCodec.encode(value, 1, context))
  expect(message).toMatch(/'self\.self\.[a-z.]*…' is nested more than 200 levels deep, or contains itself/)
  expect(message.length).toBeLessThan(250)
})
