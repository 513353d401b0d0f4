import { expect, test } from 'vitest'
import { byteaArray, int4Array, int8Array, textArray } from './binary-array.ts'

test('big integers keep every bit, also below zero', () => {
  const values = [0, 1, -1, 2 ** 31, -(2 ** 31) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, null]
  const buffer = int8Array(values)
  const read: (bigint | null)[] = []
  for (let at = 20; at < buffer.length; ) {
    const length = buffer.readInt32BE(at)
    read.push(length === -1 ? null : buffer.readBigInt64BE(at + 4))
    at += 4 + Math.max(0, length)
  }
  expect(read).toEqual(values.map((value) => (value === null ? null : BigInt(value))))
})

test('texts are measured in bytes, and null is no text', () => {
  const buffer = textArray(['é', null, '', '𝒳'])
  expect(buffer.subarray(20).toString('hex')).toBe('00000002c3a9ffffffff0000000000000004f09d92b3')
})

test('an empty array has no dimension', () => {
  for (const buffer of [int4Array([]), int8Array([]), textArray([]), byteaArray([])])
    expect([buffer.length, buffer.readInt32BE(0)]).toEqual([12, 0])
})

test('bytes are copied: what the caller does with his own afterwards changes nothing', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  const buffer = byteaArray([bytes, undefined])
  bytes.fill(9)
  expect(buffer.subarray(20).toString('hex')).toBe('00000003010203ffffffff')
})
