/**
 * The checksum of Kafka's record batches: CRC-32C (Castagnoli), as RFC 3720, appendix B.4, has it. Eight tables take eight bytes at a
 * time: "slicing-by-8" of Kounavis and Berry, "A Systematic Approach to Building High Performance Software-based CRC Generators" (2005).
 * All bytes that are read or written go through here, so it is not done a byte at a time.
 */
import type { Buffer } from 'node:buffer'

/** The polynomial 0x1EDC6F41, with its bits reversed. */
const polynomial = 0x82f63b78
const slices = 8
/** Table `n` is at `256 * n`: what a byte does to the checksum when `n` more bytes come after it. */
const table: Int32Array = tables()

/** The checksum of the bytes from `from` up to `to`, as an unsigned number of 32 bits. */
export function crc32c(bytes: Buffer, from = 0, to: number = bytes.length): number {
  // A number that is read beyond the end of a table or of the bytes would be undefined; neither happens.
  const at = (index: number): number => table[index] as number
  let crc = -1
  let next = from
  for (; next + slices <= to; next += slices) {
    crc ^= bytes.readInt32LE(next)
    const rest = bytes.readInt32LE(next + 4)
    crc =
      at(1792 + (crc & 255)) ^
      at(1536 + ((crc >>> 8) & 255)) ^
      at(1280 + ((crc >>> 16) & 255)) ^
      at(1024 + (crc >>> 24)) ^
      at(768 + (rest & 255)) ^
      at(512 + ((rest >>> 8) & 255)) ^
      at(256 + ((rest >>> 16) & 255)) ^
      at(rest >>> 24)
  }
  for (; next < to; next++) crc = at((crc ^ bytes.readUInt8(next)) & 255) ^ (crc >>> 8)
  return ~crc >>> 0
}

function tables(): Int32Array {
  const made = new Int32Array(slices * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ polynomial
    made[byte] = crc
  }
  for (let index = 256; index < made.length; index++) {
    const shorter = made[index - 256] ?? 0
    made[index] = (made[shorter & 255] ?? 0) ^ (shorter >>> 8)
  }
  return made
}
