/** Bytes of Kafka's protocol, written one after another into one buffer. Numbers are big-endian. */
import { Buffer } from 'node:buffer'

/** Texts up to this length are written letter by letter: a call out of JavaScript costs more. */
const shortLength = 40
/** A varint takes no more, and neither does anything else of a fixed size but for eight bytes. */
const varintBytesMax = 5
/** One character of JavaScript's is at most so many bytes of UTF-8. */
const bytesPerCharacter = 3

/** Writes at its end. The buffer grows as needed, so `expectedBytes` only saves copies. */
export class ByteWriter {
  #bytes: Buffer
  #end = 0

  constructor(expectedBytes: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(expectedBytes, 64))
  }

  /** How many bytes there are. */
  get length(): number {
    return this.#end
  }

  /** What has been written: not a copy, so nothing may be written afterwards. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#end)
  }

  int8(value: number): void {
    this.#reserve(1)
    this.#end = this.#bytes.writeInt8(value, this.#end)
  }

  int16(value: number): void {
    this.#reserve(2)
    this.#end = this.#bytes.writeInt16BE(value, this.#end)
  }

  int32(value: number): void {
    this.#reserve(4)
    this.#end = this.#bytes.writeInt32BE(value, this.#end)
  }

  int64(value: bigint): void {
    this.#reserve(8)
    this.#end = this.#bytes.writeBigInt64BE(value, this.#end)
  }

  /** A number of 32 bits as a zigzag varint, so that small ones are short, whatever their sign. */
  varint(value: number): void {
    this.#reserve(varintBytesMax)
    this.#end = putVarint(this.#bytes, value, this.#end)
  }

  /** A text with its length as an int16 before it; `null` has the length -1. Throws `RangeError` for one that is longer. */
  text(value: string | null): void {
    if (value === null) {
      this.int16(-1)
      return
    }
    const size = Buffer.byteLength(value)
    this.int16(size)
    this.#reserve(size)
    this.#end += this.#bytes.write(value, this.#end)
  }

  /** A text with its length as a varint before it; `null` has the length -1. */
  varintText(value: string | null): void {
    if (value === null) {
      this.varint(-1)
      return
    }
    const { length } = value
    this.#reserve(varintBytesMax + bytesPerCharacter * length)
    if (length <= shortLength && this.#ascii(value)) return
    const size = Buffer.byteLength(value)
    const at = putVarint(this.#bytes, size, this.#end)
    // What has a byte for each character is plain ASCII, which is copied as it is.
    this.#end = at + this.#bytes.write(value, at, size, size === length ? 'latin1' : 'utf8')
  }

  /** Writes over what is at `at`. */
  amendInt32(at: number, value: number): void {
    this.#bytes.writeInt32BE(value, at)
  }

  /** Writes an unsigned number over what is at `at`. */
  amendUInt32(at: number, value: number): void {
    this.#bytes.writeUInt32BE(value, at)
  }

  /** Writes another varint over the one that is between `at` and `to`; what comes after it moves if it takes more bytes, or fewer. */
  amendVarint(at: number, to: number, value: number): void {
    this.#reserve(varintBytesMax)
    const moved = sizeOfVarint(value) - (to - at)
    if (moved !== 0) this.#bytes.copyWithin(to + moved, to, this.#end)
    putVarint(this.#bytes, value, at)
    this.#end += moved
  }

  /** Whether all of it was plain ASCII: otherwise nothing has been written. */
  #ascii(value: string): boolean {
    const { length } = value
    const bytes = this.#bytes
    let at = putVarint(bytes, length, this.#end)
    for (let n = 0; n < length; n++) {
      const code = value.charCodeAt(n)
      if (code > 127) return false
      bytes[at++] = code
    }
    this.#end = at
    return true
  }

  #reserve(size: number): void {
    if (this.#end + size <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#end + size, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#end)
    this.#bytes = grown
  }
}

/** How many bytes a varint takes. */
export function sizeOfVarint(value: number): number {
  let rest = zigzag(value)
  let size = 1
  while (rest > 127) {
    rest >>>= 7
    size++
  }
  return size
}

/** Answers the place after it. */
function putVarint(bytes: Buffer, value: number, at: number): number {
  let rest = zigzag(value)
  let next = at
  while (rest > 127) {
    bytes[next++] = (rest & 127) | 128
    rest >>>= 7
  }
  bytes[next++] = rest
  return next
}

/** As an unsigned number: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4. */
function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}
