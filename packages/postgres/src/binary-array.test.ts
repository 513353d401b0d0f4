import { expect, test } from 'vitest'
import { BinaryArray } from './binary-array.ts'

test('big integers keep every bit, also below zero', () => {
  const values = [0, 1, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, null]
  const array = new BinaryArray('int8', 1, 1)
  for (const value of values) array.int8(value)
  const buffer = array.end()
  const read: (bigint | null)[] = []
  for (let at = 20; at < buffer.length; ) {
    const length = buffer.readInt32BE(at)
    read.push(length === -1 ? null : buffer.readBigInt64BE(at + 4))
    at += 4 + Math.max(0, length)
  }
  expect(read).toEqual(values.map((value) => (value === null ? null : BigInt(value))))
})

test('integers of four bytes are what they are, below zero, too', () => {
  const array = new BinaryArray('int4', 0, 0)
  for (const value of [7, -7, undefined]) array.int4(value)
  expect(array.end().toString('hex')).toBe(
    `${'00000001000000010000001700000003'}00000001${'0000000400000007'}${'00000004fffffff9'}ffffffff`,
  )
})

test('texts are measured in bytes, and null is no text', () => {
  const array = new BinaryArray('text', 0, 0)
  const long = 'é'.repeat(50)
  for (const text of ['é', null, '', '𝒳', 'abc', 'abé', long]) array.text(text)
  const buffer = array.end()
  expect(buffer.readInt32BE(8)).toBe(25)
  expect(buffer.readInt32BE(12)).toBe(7)
  expect(buffer.subarray(20).toString('hex')).toBe(
    `00000002c3a9ffffffff0000000000000004f09d92b3${'00000003616263'}${'000000046162c3a9'}${'00000064'}${'c3a9'.repeat(50)}`,
  )
})

test('an empty array has no dimension, and one of nulls only need not be sent', () => {
  for (const type of ['int4', 'int8', 'text', 'bytea'] as const) {
    const empty = new BinaryArray(type, 10, 10).end()
    expect([empty.length, empty.readInt32BE(0)]).toEqual([12, 0])
  }
  const nulls = new BinaryArray('text', 2, 8)
  nulls.text(null)
  nulls.text(undefined)
  expect(nulls.endSparse()).toBeNull()
  nulls.text('')
  expect(nulls.endSparse()?.subarray(20).toString('hex')).toBe('ffffffffffffffff00000000')
})

test('bytes are copied: what the caller does with his own afterwards changes nothing', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  const array = new BinaryArray('bytea', 2, 3)
  array.bytes(bytes)
  array.bytes(undefined)
  const buffer = array.end()
  bytes.fill(9)
  expect(buffer.subarray(20).toString('hex')).toBe('00000003010203ffffffff')
})
