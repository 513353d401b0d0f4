import { expect, test } from 'vitest'
import type { Operation } from './driver.ts'
import { batchesOf } from './operation-batches.ts'

const put = (value: string): Operation => ({ type: 'put', key: 'a', value })
const sizes = (operations: readonly Operation[]): readonly number[] => batchesOf(operations).map((batch) => batch.length)

test('operations go in batches that etcd takes, in order', () => {
  expect(sizes([])).toEqual([])
  expect(sizes(Array.from({ length: 250 }, () => put('')))).toEqual([100, 100, 50])
  expect(sizes([put('x'.repeat(600_000)), put('y'.repeat(600_000)), put('z')])).toEqual([1, 2])
  // One that is too large by itself is left to etcd to refuse.
  expect(sizes([put('é'.repeat(600_000)), put('a')])).toEqual([1, 1])
})
