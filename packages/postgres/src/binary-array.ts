/**
 * Arrays in the binary form of Postgres's protocol. The driver would send them as text, with every byte of a payload as
 * two digits; a Buffer it sends as it is, and Postgres takes it for the binary form of the parameter.
 *
 * Source: `array_recv` in PostgreSQL, src/backend/utils/adt/arrayfuncs.c.
 */
const oids = { bytea: 17, int8: 20, int4: 23, text: 25 } as const
const headerBytes = 20

type Nullable<T> = T | null | undefined

function start(oid: number, count: number, bodyBytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(headerBytes + bodyBytes)
  buffer.writeInt32BE(count === 0 ? 0 : 1, 0)
  buffer.writeInt32BE(1, 4)
  buffer.writeInt32BE(oid, 8)
  buffer.writeInt32BE(count, 12)
  buffer.writeInt32BE(1, 16)
  return count === 0 ? buffer.subarray(0, 12) : buffer
}

/** An `int4[]`. */
export function int4Array(values: readonly Nullable<number>[]): Buffer {
  const buffer = start(oids.int4, values.length, values.length * 8)
  let at = headerBytes
  for (const value of values) {
    if (value === null || value === undefined) at = buffer.writeInt32BE(-1, at)
    else at = buffer.writeInt32BE(value, buffer.writeInt32BE(4, at))
  }
  return values.length === 0 ? buffer : buffer.subarray(0, at)
}

const highWord = 4_294_967_296

/** An `int8[]` of safe integers. */
export function int8Array(values: readonly Nullable<number>[]): Buffer {
  const buffer = start(oids.int8, values.length, values.length * 12)
  let at = headerBytes
  for (const value of values) {
    if (value === null || value === undefined) {
      at = buffer.writeInt32BE(-1, at)
      continue
    }
    at = buffer.writeInt32BE(8, at)
    // Two halves, because a bigint per number is slow.
    at = buffer.writeInt32BE(Math.floor(value / highWord), at)
    at = buffer.writeUInt32BE(((value % highWord) + highWord) % highWord, at)
  }
  return values.length === 0 ? buffer : buffer.subarray(0, at)
}

/** A `text[]`. */
export function textArray(values: readonly Nullable<string>[]): Buffer {
  let bytesMax = values.length * 4
  // Three bytes of UTF-8 for a code unit of UTF-16 at most.
  for (const value of values) bytesMax += (value?.length ?? 0) * 3
  const buffer = start(oids.text, values.length, bytesMax)
  let at = headerBytes
  for (const value of values) {
    if (value === null || value === undefined) {
      at = buffer.writeInt32BE(-1, at)
      continue
    }
    const length = buffer.write(value, at + 4, 'utf8')
    buffer.writeInt32BE(length, at)
    at += 4 + length
  }
  return values.length === 0 ? buffer : buffer.subarray(0, at)
}

/** A `bytea[]`. */
export function byteaArray(values: readonly Nullable<Uint8Array>[]): Buffer {
  let bytes = values.length * 4
  for (const value of values) bytes += value?.byteLength ?? 0
  const buffer = start(oids.bytea, values.length, bytes)
  let at = headerBytes
  for (const value of values) {
    at = buffer.writeInt32BE(value?.byteLength ?? -1, at)
    if (value === null || value === undefined) continue
    buffer.set(value, at)
    at += value.byteLength
  }
  return buffer
}
