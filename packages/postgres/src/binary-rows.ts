/**
 * An array of rows of a composite type, in the binary form of Postgres's protocol. The driver would send it as text, with
 * every byte of a payload as two digits, and quoted twice; a Buffer it sends as it is, and Postgres takes it for the binary
 * form of the parameter.
 *
 * Source: `array_recv` and `record_recv` in PostgreSQL, src/backend/utils/adt/arrayfuncs.c and rowtypes.c.
 */
const oids = { bytea: 17, bigint: 20, integer: 23, text: 25 } as const
const headerBytes = 20
const highWord = 4_294_967_296
/** Shorter texts are written here: the call into the runtime takes longer than they do. */
const shortText = 40

type Nullable<T> = T | null | undefined

/** Rows that grow by one value at a time. Each has as many values as the type has columns, in their order and of their types. */
export class BinaryRows {
  readonly #columns: number
  #buffer: Buffer
  #view: DataView
  #at = headerBytes
  #rowAt = 0
  #count = 0

  /** `type` is the oid of the composite type, `columns` how many it has, `bytes` how long the whole will be: a guess will do. */
  constructor(type: number, columns: number, bytes: number) {
    this.#columns = columns
    this.#buffer = Buffer.allocUnsafe(headerBytes + bytes)
    this.#view = viewOf(this.#buffer)
    this.#view.setInt32(0, 1)
    this.#view.setInt32(4, 0)
    this.#view.setUint32(8, type)
    this.#view.setInt32(16, 1)
  }

  /** Begins a row, and ends the one before. */
  row(): void {
    this.#endRow()
    const at = this.#room(8)
    this.#rowAt = at
    this.#view.setInt32(at + 4, this.#columns)
    this.#at = at + 8
    this.#count++
  }

  integer(value: Nullable<number>): void {
    if (value === null || value === undefined) return this.#null(oids.integer)
    const at = this.#value(oids.integer, 4, 4)
    this.#view.setInt32(at, value)
  }

  /** A safe integer. */
  bigint(value: Nullable<number>): void {
    if (value === null || value === undefined) return this.#null(oids.bigint)
    const at = this.#value(oids.bigint, 8, 8)
    // Two halves, because a bigint per number is slow.
    const high = Math.floor(value / highWord)
    this.#view.setInt32(at, high)
    this.#view.setUint32(at + 4, value - high * highWord)
  }

  text(value: Nullable<string>): void {
    if (value === null || value === undefined) return this.#null(oids.text)
    // Three bytes of UTF-8 for a code unit of UTF-16 at most.
    const at = this.#value(oids.text, 0, value.length * 3)
    const buffer = this.#buffer
    const bytes = value.length <= shortText && isAsciiInto(buffer, at, value) ? value.length : buffer.write(value, at, 'utf8')
    this.#view.setInt32(at - 4, bytes)
    this.#at = at + bytes
  }

  /** Copies them. */
  bytes(value: Nullable<Uint8Array>): void {
    if (value === null || value === undefined) return this.#null(oids.bytea)
    const at = this.#value(oids.bytea, value.byteLength, value.byteLength)
    this.#buffer.set(value, at)
  }

  /** The array of the rows, at least one; nothing may be added any more. */
  end(): Buffer {
    this.#endRow()
    this.#view.setInt32(12, this.#count)
    return this.#buffer.subarray(0, this.#at)
  }

  #endRow(): void {
    if (this.#count > 0) this.#view.setInt32(this.#rowAt, this.#at - this.#rowAt - 4)
  }

  #null(oid: number): void {
    const at = this.#room(8)
    this.#view.setInt32(at, oid)
    this.#view.setInt32(at + 4, -1)
    this.#at = at + 8
  }

  /** Begins a value of so many bytes, with room for `most`. Answers where its bytes are to be. */
  #value(oid: number, bytes: number, most: number): number {
    const at = this.#room(8 + most)
    this.#view.setInt32(at, oid)
    this.#view.setInt32(at + 4, bytes)
    this.#at = at + 8 + bytes
    return at + 8
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
