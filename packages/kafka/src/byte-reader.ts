/** Bytes of Kafka's protocol, read one after another. Numbers are big-endian. */
import type { Buffer } from 'node:buffer'

/** Reads from `position` on, and never from `end` on: then, and where a length makes no sense, its methods throw `RangeError`. */
export class ByteReader {
  readonly bytes: Buffer
  readonly end: number
  #position: number

  constructor(bytes: Buffer, position = 0, end: number = bytes.length) {
    if (position < 0 || end < position || end > bytes.length) throw new RangeError(`there are no bytes from ${position} to ${end}`)
    this.bytes = bytes
    this.end = end
    this.#position = position
  }

  get position(): number {
    return this.#position
  }

  get left(): number {
    return this.end - this.#position
  }

  /** Passes bytes over, and answers where they were. */
  skip(size: number): number {
    const at = this.#position
    if (size < 0 || size > this.end - at) throw new RangeError(`${size} bytes are announced where ${this.left} are left`)
    this.#position = at + size
    return at
  }

  int8(): number {
    return this.bytes.readInt8(this.skip(1))
  }

  int16(): number {
    return this.bytes.readInt16BE(this.skip(2))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.skip(4))
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.skip(4))
  }

  /** Exact up to 2^53. */
  int64(): number {
    const at = this.skip(8)
    return this.bytes.readInt32BE(at) * 0x1_0000_0000 + this.bytes.readUInt32BE(at + 4)
  }

  bigInt64(): bigint {
    return this.bytes.readBigInt64BE(this.skip(8))
  }

  /** A zigzag varint of 32 bits. */
  varint(): number {
    const { bytes, end } = this
    let value = 0
    let at = this.#position
    for (let shift = 0; shift < 35 && at < end; shift += 7) {
      // Not beyond the end: looked at just now.
      const byte = bytes[at++] as number
      value |= (byte & 127) << shift
      if (byte > 127) continue
      this.#position = at
      return (value >>> 1) ^ -(value & 1)
    }
    throw new RangeError('a number has no end')
  }

  /** A zigzag varint of 64 bits, exact up to 2^53 whatever its sign. */
  varlong(): number {
    const { bytes, end } = this
    const first = bytes[this.#position] ?? 128
    if (first < 128 && this.#position < end) {
      this.#position++
      return (first >>> 1) ^ -(first & 1)
    }
    let value = 0n
    let at = this.#position
    for (let shift = 0n; shift < 70n && at < end; shift += 7n) {
      const byte = bytes[at++] ?? 0
      value |= BigInt(byte & 127) << shift
      if (byte > 127) continue
      this.#position = at
      return Number((value >> 1n) ^ -(value & 1n))
    }
    throw new RangeError('a number has no end')
  }

  /** A text with its length as an int16 before it. */
  text(): string {
    const size = this.int16()
    const at = this.skip(size)
    return this.bytes.toString('utf8', at, at + size)
  }

  /** What `read` makes of each entry of an array with its length as an int32 before it; an array that is null has none. */
  array<T>(read: (reader: this) => T): readonly T[] {
    const length = this.int32()
    // Each entry takes a byte at least: a length without that many is none, and would fill the memory.
    if (length > this.left) throw new RangeError(`${length} entries are announced where ${this.left} bytes are left`)
    const entries: T[] = []
    for (let n = 0; n < length; n++) entries.push(read(this))
    return entries
  }
}
