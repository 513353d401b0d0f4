import { expect, test } from 'vitest'
import { readable } from './readable-error.ts'

test('a message says why, once, and causes that go round in circles end', () => {
  const inner = new Error('the disk is full')
  const outer = new Error('nothing was written', { cause: inner })
  inner.cause = outer
  expect(readable(outer)).toBe('nothing was written; because: the disk is full')
})
