/**
 * Arrays in the binary form of Postgres's protocol. The driver would send them as text, with every byte of a payload as
 * two digits; a Buffer it sends as it is, and Postgres takes it for the binary form of the parameter.
 *
 * Source: `array_recv` in PostgreSQL, src/backend/utils/adt/arrayfuncs.c.
 */
const oids = { bytea: 17, int8: 20, int4: 23, text: 25 } as const
const headerBytes = 20
/** The header of an array without elements has no dimension. */
const emptyBytes = 12
const highWord = 4_294_967_296
/** Shorter texts are written here: the call into the runtime takes longer than they do. */
const shortText = 40

type Nullable<T> = T | null | undefined

/** An array that grows by one element at a time. Elements of other types than that of the array are not to be added. */
export class BinaryArray {
  #buffer: Buffer
  #view: DataView
  #at = headerBytes
  #count = 0
  #filled = false

  /** `count` and `bytes` are how many elements there will be, and how long they are: guesses will do. */
  constructor(type: keyof typeof oids, count: number, bytes: number) {
    this.#buffer = Buffer.allocUnsafe(headerBytes + count * (4 + bytes))
    this.#view = viewOf(this.#buffer)
    this.#view.setInt32(8, oids[type])
  }

  int4(value: Nullable<number>): void {
    if (value === null || value === undefined) return this.#null()
    const at = this.#grow(8)
    this.#view.setInt32(at, 4)
    this.#view.setInt32(at + 4, value)
  }

  /** A safe integer. */
  int8(value: Nullable<number>): void {
    if (value === null || value === undefined) return this.#null()
    const at = this.#grow(12)
    this.#view.setInt32(at, 8)
    // Two halves, because a bigint per number is slow.
    const high = Math.floor(value / highWord)
    this.#view.setInt32(at + 4, high)
    this.#view.setUint32(at + 8, value - high * highWord)
  }

  text(value: Nullable<string>): void {
    if (value === null || value === undefined) return this.#null()
    // Three bytes of UTF-8 for a code unit of UTF-16 at most.
    const at = this.#grow(4 + value.length * 3)
    const buffer = this.#buffer
    const bytes = value.length <= shortText && isAsciiInto(buffer, at + 4, value) ? value.length : buffer.write(value, at + 4, 'utf8')
    this.#view.setInt32(at, bytes)
    this.#at = at + 4 + bytes
  }

  /** Copies them. */
  bytes(value: Nullable<Uint8Array>): void {
    if (value === null || value === undefined) return this.#null()
    const at = this.#grow(4 + value.byteLength)
    this.#view.setInt32(at, value.byteLength)
    this.#buffer.set(value, at + 4)
  }

  /** The array; nothing may be added any more. */
  end(): Buffer {
    const view = this.#view
    view.setInt32(0, this.#count === 0 ? 0 : 1)
    view.setInt32(4, 1)
    if (this.#count === 0) return this.#buffer.subarray(0, emptyBytes)
    view.setInt32(12, this.#count)
    view.setInt32(16, 1)
    return this.#buffer.subarray(0, this.#at)
  }

  /** The array, but null if every element is: then nothing is sent for it. */
  endSparse(): Buffer | null {
    return this.#filled ? this.end() : null
  }

  #null(): void {
    const at = this.#room(4)
    this.#view.setInt32(at, -1)
    this.#at = at + 4
    this.#count++
  }

  /** Makes room for an element, and answers where it begins. It ends after so many bytes, unless that is set otherwise. */
  #grow(bytes: number): number {
    const at = this.#room(bytes)
    this.#at = at + bytes
    this.#count++
    this.#filled = true
    return at
  }

  #room(bytes: number): number {
    const at = this.#at
    if (at + bytes > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, at + bytes))
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
      this.#view = viewOf(larger)
    }
    return at
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length)
}

/** Writes a text as far as it is ASCII. Answers whether it is so to its end. */
function isAsciiInto(buffer: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 127) return false
    buffer[at + i] = code
  }
  return true
}
