/** One record as it lies in the bytes of an answer. */
import type { Buffer } from 'node:buffer'
import { ByteReader } from './byte-reader.ts'
import type { KafkaRecord } from './driver.ts'

/**
 * Most readers look at the value alone, so the rest is made only when somebody asks for it, and anew each time. The bytes of the whole
 * answer stay in memory as long as one of its records does, if its partition has a good share of them.
 */
export class BatchRecord implements KafkaRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly #bytes: Buffer
  readonly #keyAt: number
  readonly #keySize: number
  readonly #valueAt: number
  readonly #valueSize: number
  readonly #headersAt: number
  readonly #end: number

  /** @param reader Stands at the key, and then at the end of the record. Throws `RangeError` where a length makes no sense. */
  constructor(offset: number, timestampMs: number, reader: ByteReader, end: number) {
    this.offset = offset
    this.timestampMs = timestampMs
    this.#bytes = reader.bytes
    this.#end = end
    this.#keySize = sizeAt(reader)
    this.#keyAt = reader.skip(Math.max(0, this.#keySize))
    this.#valueSize = sizeAt(reader)
    this.#valueAt = reader.skip(Math.max(0, this.#valueSize))
    this.#headersAt = reader.position
    reader.skip(end - this.#headersAt)
  }

  get key(): Buffer | null {
    return this.#keySize < 0 ? null : this.#bytes.subarray(this.#keyAt, this.#keyAt + this.#keySize)
  }

  get value(): Buffer | null {
    return this.#valueSize < 0 ? null : this.#bytes.subarray(this.#valueAt, this.#valueAt + this.#valueSize)
  }

  /** Of headers with the same name the last one, and none that is null. */
  get headers(): Readonly<Record<string, string>> {
    const texts: Record<string, string> = {}
    const reader = new ByteReader(this.#bytes, this.#headersAt, this.#end)
    const count = reader.varint()
    for (let n = 0; n < count; n++) {
      const name = textOf(reader)
      const text = textOf(reader)
      if (name === null) continue
      if (text === null) delete texts[name]
      else texts[name] = text
    }
    return texts
  }
}

/** The size of what comes next; -1 for null. */
function sizeAt(reader: ByteReader): number {
  const size = reader.varint()
  if (size < -1) throw new RangeError(`a size of ${size} bytes is announced`)
  return size
}

function textOf(reader: ByteReader): string | null {
  const size = sizeAt(reader)
  if (size < 0) return null
  const at = reader.skip(size)
  return reader.bytes.toString('utf8', at, at + size)
}
