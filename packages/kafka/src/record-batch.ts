/**
 * Record batches as Kafka keeps them and sends them: magic 2, from Kafka 0.11 on, without compression. The layout is that of "Record
 * Batch" in https://kafka.apache.org/documentation/#messageformat; numbers are big-endian.
 *
 * | at | what | | at | what |
 * |---|---|---|---|---|
 * | 0 | offset of the first record, int64 | | 27 | timestamp of the first, int64 |
 * | 8 | bytes after this number, int32 | | 35 | latest timestamp, int64 |
 * | 12 | epoch of the leader, int32 | | 43 | producer, int64 |
 * | 16 | magic, int8 | | 51 | epoch of the producer, int16 |
 * | 17 | CRC-32C of all that comes after it, uint32 | | 53 | sequence number of the first, int32 |
 * | 21 | attributes, int16 | | 57 | count of records, int32 |
 * | 23 | the last one's offset after the first, int32 | | 61 | the records |
 */
import type { Buffer } from 'node:buffer'
import { BatchRecord } from './batch-record.ts'
import { ByteReader } from './byte-reader.ts'
import { type ByteWriter, sizeOfVarint } from './byte-writer.ts'
import { crc32c } from './crc32c.ts'
import type { KafkaRecord, NewRecord } from './driver.ts'

const magic = 2
/** What is read of a batch before it is known to be one of these. */
const peekBytes = 23
/** What a batch has after the number that says so. */
const headBytes = 49
/** Where the length is, and what the length counts from. */
const lengthAt = 8
const countedFrom = 12
const magicAt = 16
const crcAt = 17
const checkedFrom = 21
const attributesAt = 21
/** Bits of the attributes. */
const compressed = 7
const logAppendTime = 8
const transactional = 16
const control = 32
/** A record whose timestamp is that of its batch, and without attributes. */
const plain = 0

/** Who writes a batch, for the broker to know a repetition by. */
export interface BatchOrigin {
  readonly producerId: bigint
  readonly epoch: number
  /** Of the first record. */
  readonly sequence: number
  /** Of all records, in ms since the epoch. */
  readonly timestampMs: number
}

/** Writes one batch of records, which are one or more. */
export function writeBatch(to: ByteWriter, records: readonly NewRecord[], { producerId, epoch, sequence, timestampMs }: BatchOrigin): void {
  const start = to.length
  to.int64(0n)
  to.int32(0)
  to.int32(0)
  to.int8(magic)
  to.int32(0)
  to.int16(0)
  to.int32(records.length - 1)
  const timestamp = BigInt(timestampMs)
  to.int64(timestamp)
  to.int64(timestamp)
  to.int64(producerId)
  to.int16(epoch)
  to.int32(sequence)
  to.int32(records.length)
  for (const [n, record] of records.entries()) writeRecord(to, record, n)
  to.amendInt32(start + lengthAt, to.length - start - countedFrom)
  to.amendUInt32(start + crcAt, crc32c(to.bytes, start + checkedFrom))
}

function writeRecord(to: ByteWriter, { key, value, headers }: NewRecord, offset: number): void {
  const names = headers === undefined ? [] : Object.keys(headers)
  // What the record takes if all texts are plain ASCII, which is mostly so.
  let expected = 2 + sizeOfVarint(offset) + sizeOfText(key) + sizeOfText(value) + sizeOfVarint(names.length)
  for (const name of names) expected += sizeOfText(name) + sizeOfText(headers?.[name] ?? '')
  const start = to.length
  to.varint(expected)
  const body = to.length
  to.int8(plain)
  to.varint(0)
  to.varint(offset)
  to.varintText(key)
  to.varintText(value)
  to.varint(names.length)
  for (const name of names) {
    to.varintText(name)
    to.varintText(headers?.[name] ?? '')
  }
  const size = to.length - body
  if (size !== expected) to.amendVarint(start, body, size)
}

function sizeOfText(text: string | null): number {
  return text === null ? 1 : sizeOfVarint(text.length) + text.length
}

/**
 * What of these batches is for kafkajs to decode, which looks at no checksums: all before the first one that is damaged or has come in
 * part. Undefined where none of them is compressed or of an older form.
 */
export function foreignPartOf(batches: Buffer): Buffer | undefined {
  if (areReadable(batches)) return undefined
  let isForeign = false
  let at = 0
  while (at + peekBytes <= batches.length) {
    const length = batches.readInt32BE(at + lengthAt)
    const end = at + countedFrom + length
    if (length <= 0 || end > batches.length) break
    const form = batches.readInt8(at + magicAt)
    // The magic byte has no part in the checksum: a batch whose checksum is there and fits has none of an older form.
    if (form < 0 || form > magic || (form === magic) !== isSound(batches, at, end)) break
    isForeign ||= form < magic || (batches.readInt16BE(at + attributesAt) & compressed) !== 0
    at = end
  }
  return isForeign ? batches.subarray(0, at) : undefined
}

/** Whether the checksum of a batch is there, and is that of its bytes. */
function isSound(batches: Buffer, at: number, end: number): boolean {
  return end - at >= countedFrom + headBytes && crc32c(batches, at + checkedFrom, end) === batches.readUInt32BE(at + crcAt)
}

/** Whether all of these batches are of this form, as far as their lengths make sense. */
function areReadable(batches: Buffer): boolean {
  for (let at = 0; at + peekBytes <= batches.length; ) {
    if (batches.readInt8(at + magicAt) !== magic || (batches.readInt16BE(at + attributesAt) & compressed) !== 0) return false
    const length = batches.readInt32BE(at + lengthAt)
    // For `recordsOf` to say so.
    if (length < headBytes) return true
    at += countedFrom + length
  }
  return true
}

function endOf(batches: Buffer, at: number): number {
  const left = batches.length - at - countedFrom
  if (left < headBytes) throw new RangeError('the head of a batch has come in part')
  const length = batches.readInt32BE(at + lengthAt)
  if (length < headBytes || length > left) throw new RangeError(`a batch of ${length} bytes is announced, where ${left} are`)
  return at + countedFrom + length
}

/** A transaction whose records do not count. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** What came of some batches. */
export interface DecodedBatches {
  /** By offset: those that count, from the offset that was asked for. */
  readonly records: readonly KafkaRecord[]
  /** The offset after the last one that was looked at. */
  readonly next: number
}

/**
 * The records of batches without a `foreignPartOf`. Left out are records before `from`, those of aborted transactions, markers of Kafka's
 * own, and a batch at the end that has come in part: not the first one, which brokers give whole or not at all (KIP-74). Throws
 * `RangeError` where the bytes are not what was written; what comes before them is answered first, and whoever goes on from there is told.
 */
export function recordsOf(batches: Buffer, from: number, aborted: readonly AbortedTransaction[]): DecodedBatches {
  const records: KafkaRecord[] = []
  const counts = committed(aborted)
  let next = from
  for (let at = 0; at < batches.length; ) {
    const before = records.length
    try {
      const end = endOf(batches, at)
      if (!isSound(batches, at, end)) throw new RangeError('the checksum of a batch is not that of its bytes')
      if (batches.readInt8(at + magicAt) !== magic) throw new RangeError('a batch says that it is of another form than its checksum')
      const batch = headOf(new ByteReader(batches, at, end))
      if (counts(batch)) readRecords(batch, from, records)
      next = Math.max(next, batch.lastOffset + 1)
      at = end
    } catch (error) {
      if (next === from) throw error
      records.length = before
      break
    }
  }
  return { records, next }
}

interface Batch {
  readonly firstOffset: number
  readonly lastOffset: number
  readonly attributes: number
  readonly firstTimestampMs: number
  readonly latestTimestampMs: number
  readonly producerId: bigint
  readonly count: number
  /** At the first record. */
  readonly reader: ByteReader
}

function headOf(reader: ByteReader): Batch {
  const firstOffset = reader.int64()
  reader.skip(checkedFrom - lengthAt)
  const attributes = reader.int16()
  const lastOffset = firstOffset + reader.int32()
  const firstTimestampMs = reader.int64()
  const latestTimestampMs = reader.int64()
  const producerId = reader.bigInt64()
  // The epoch and the sequence number say nothing to who reads.
  reader.skip(6)
  return { firstOffset, lastOffset, attributes, firstTimestampMs, latestTimestampMs, producerId, count: reader.int32(), reader }
}

function readRecords(batch: Batch, from: number, into: KafkaRecord[]): void {
  const { firstOffset, attributes, firstTimestampMs, latestTimestampMs, count, reader } = batch
  const isAppendTime = (attributes & logAppendTime) !== 0
  for (let n = 0; n < count; n++) {
    const size = reader.varint()
    const end = reader.position + size
    // Attributes, of which records have none until now.
    reader.skip(1)
    const delta = reader.varlong()
    const offset = firstOffset + reader.varint()
    const record = new BatchRecord(offset, isAppendTime ? latestTimestampMs : firstTimestampMs + delta, reader, end)
    if (offset >= from) into.push(record)
  }
}

/** Tells whether a batch counts: not a marker of Kafka's own, and not of a transaction that was aborted. */
function committed(aborted: readonly AbortedTransaction[]): (batch: Batch) => boolean {
  if (aborted.length === 0) return ({ attributes }) => (attributes & control) === 0
  const pending = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const open = new Set<bigint>()
  return ({ attributes, lastOffset, producerId }) => {
    for (let first = pending[0]; first !== undefined && first.firstOffset <= lastOffset; first = pending[0]) {
      open.add(first.producerId)
      pending.shift()
    }
    if ((attributes & control) !== 0) {
      // The end of this producer's transaction, whichever way.
      open.delete(producerId)
      return false
    }
    return (attributes & transactional) === 0 || !open.has(producerId)
  }
}
