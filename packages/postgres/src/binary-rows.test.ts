import { expect, test } from 'vitest'
import { BinaryRows } from './binary-rows.ts'

/** The values of the rows as they are on the wire, each with its type. */
function read(buffer: Buffer): readonly (readonly (readonly [number, string | null])[])[] {
  const rows: (readonly [number, string | null])[][] = []
  expect([buffer.readInt32BE(0), buffer.readInt32BE(4), buffer.readInt32BE(16)]).toEqual([1, 0, 1])
  let at = 20
  for (let row = 0; row < buffer.readInt32BE(12); row++) {
    const end = at + 4 + buffer.readInt32BE(at)
    const columns = buffer.readInt32BE(at + 4)
    const values: (readonly [number, string | null])[] = []
    for (at += 8; values.length < columns; ) {
      const length = buffer.readInt32BE(at + 4)
      values.push([buffer.readInt32BE(at), length < 0 ? null : buffer.subarray(at + 8, at + 8 + length).toString('hex')])
      at += 8 + Math.max(0, length)
    }
    expect(at).toBe(end)
    rows.push(values)
  }
  expect(at).toBe(buffer.length)
  return rows
}

test('big integers keep every bit, also below zero', () => {
  const numbers = [0, 1, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]
  const rows = new BinaryRows(4_000_000_000, numbers.length + 1, 1)
  rows.row()
  for (const number of [...numbers, null]) rows.bigint(number)
  const buffer = rows.end()
  expect(buffer.readUInt32BE(8)).toBe(4_000_000_000)
  const hex = (number: number): string => BigInt.asUintN(64, BigInt(number)).toString(16).padStart(16, '0')
  expect(read(buffer)).toEqual([[...numbers.map((number) => [20, hex(number)]), [20, null]]])
})

test('rows of all types, with nulls, however small the guess was', () => {
  const long = 'é'.repeat(50)
  for (const guess of [0, 10_000]) {
    const rows = new BinaryRows(16_400, 4, guess)
    for (const text of ['é', '', '𝒳', 'abc', 'abé', long]) {
      rows.row()
      rows.integer(-7)
      rows.text(text)
      rows.bytes(Uint8Array.of(1, 255))
      rows.bigint(undefined)
    }
    rows.row()
    rows.integer(undefined)
    rows.text(null)
    rows.bytes(undefined)
    rows.bigint(1)
    const hexes = ['c3a9', '', 'f09d92b3', '616263', '6162c3a9', 'c3a9'.repeat(50)]
    expect(read(rows.end())).toEqual([
      ...hexes.map((hex) => [
        [23, 'fffffff9'],
        [25, hex],
        [17, '01ff'],
        [20, null],
      ]),
      [
        [23, null],
        [25, null],
        [17, null],
        [20, '0000000000000001'],
      ],
    ])
  }
})

test('bytes are copied: what the caller does with his own afterwards changes nothing', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  const rows = new BinaryRows(16_400, 1, 0)
  rows.row()
  rows.bytes(bytes)
  const buffer = rows.end()
  bytes.fill(9)
  expect(read(buffer)).toEqual([[[17, '010203']]])
})
