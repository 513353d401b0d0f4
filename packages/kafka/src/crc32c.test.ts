import { expect, test } from 'vitest'
import { crc32c } from './crc32c.ts'

/** RFC 3720, appendix B.4, and the check value of the CRC catalogue. */
const known: readonly (readonly [string, Buffer, number])[] = [
  ['nine digits', Buffer.from('123456789'), 0xe3069283],
  ['nothing', Buffer.alloc(0), 0],
  ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
  ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['32 bytes that rise', Buffer.from(Array.from({ length: 32 }, (_, n) => n)), 0x46dd794e],
  ['32 bytes that fall', Buffer.from(Array.from({ length: 32 }, (_, n) => 31 - n)), 0x113fdb5c],
]

test.each(known)('the checksum of %s is the known one', (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected)
})

test('a part of a buffer has the checksum that it has alone, wherever it begins and however long it is', () => {
  const bytes = Buffer.from(Array.from({ length: 40 }, (_, n) => (n * 37) & 255))
  for (let from = 0; from < 20; from++)
    for (let to = from; to <= bytes.length; to++) expect(crc32c(bytes, from, to)).toBe(crc32c(Buffer.from(bytes.subarray(from, to))))
})
