import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { ByteWriter } from './byte-writer.ts'
import { crc32c } from './crc32c.ts'
import type { NewRecord } from './driver.ts'
import { type BatchOrigin, foreignPartOf, recordsOf, writeBatch } from './record-batch.ts'

const require = createRequire(import.meta.url)
/** kafkajs's own coding, of which nothing is published. */
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  readonly RecordBatch: (batch: object) => Promise<{ readonly buffer: Buffer }>
}
const Record = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => object

const origin: BatchOrigin = { producerId: 4_001n, epoch: 3, sequence: 2_147_483_640, timestampMs: 1_795_326_743_205 }
const first = { key: 'run-1', value: '{"a":1}', headers: { a: '1', b: '2' } }

function batchOf(records: readonly Omit<NewRecord, 'topic' | 'partition'>[], more: Partial<BatchOrigin> = {}): Buffer {
  const writer = new ByteWriter(0)
  writeBatch(
    writer,
    records.map((record) => ({ topic: 't', partition: 0, ...record })),
    { ...origin, ...more },
  )
  return Buffer.from(writer.bytes)
}

/** The same batch, with other bytes in it and the checksum that they have. */
function amended(batch: Buffer, amend: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(batch)
  amend(bytes)
  bytes.writeUInt32BE(crc32c(bytes, 21), 17)
  return bytes
}

const at = (batch: Buffer, offset: number): Buffer => amended(batch, (bytes) => void bytes.writeBigInt64BE(BigInt(offset)))
const withAttributes = (batch: Buffer, attributes: number): Buffer => amended(batch, (bytes) => void bytes.writeInt16BE(attributes, 21))
const withForm = (batch: Buffer, form: number): Buffer => amended(batch, (bytes) => void bytes.writeInt8(form, 16))
const by = (batch: Buffer, producerId: number): Buffer => amended(batch, (bytes) => void bytes.writeBigInt64BE(BigInt(producerId), 43))

function offsetsOf(batches: readonly Buffer[], from = 0, aborted: Parameters<typeof recordsOf>[2] = []): readonly number[] {
  return recordsOf(Buffer.concat(batches), from, aborted).records.map(({ offset }) => offset)
}

/** Numbers that are the same in every run. */
function dice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * below)
  }
}

const letters = ['a', 'Z', '0', '"', 'é', 'ß', '語', '\u{1f600}', '\u0000', '\ud800']

function randomRecords(random: (below: number) => number): readonly Omit<NewRecord, 'topic' | 'partition'>[] {
  const text = (): string => {
    // Around the lengths where a size takes another byte, and where texts are no longer written letter by letter.
    const length = [0, 1, 5, 39, 40, 41, 62, 63, 64, 65, 500, 8_191, 8_192, 20_000][random(random(4) === 0 ? 14 : 11)] ?? 0
    const letter = letters[random(3) === 0 ? random(letters.length) : random(4)] ?? ''
    return letter.repeat(length)
  }
  return Array.from({ length: 1 + random(random(9) === 0 ? 200 : 8) }, () => ({
    key: text(),
    value: random(5) === 0 ? null : text(),
    ...(random(3) === 0 ? {} : { headers: Object.fromEntries(Array.from({ length: random(4) }, (_, n) => [`${text()}${n}`, text()])) }),
  }))
}

describe('what is written', () => {
  test('is to the byte what kafkajs writes, and read back the same', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const records = randomRecords(dice(seed))
      const batch = batchOf(records)
      const { buffer } = await RecordBatch({
        firstTimestamp: origin.timestampMs,
        maxTimestamp: origin.timestampMs,
        lastOffsetDelta: records.length - 1,
        producerId: String(origin.producerId),
        producerEpoch: origin.epoch,
        firstSequence: origin.sequence,
        records: records.map((record, n) => Record({ ...record, headers: record.headers ?? {}, offsetDelta: n })),
      })
      // Its own message would print both.
      expect(batch.equals(buffer), `seed ${seed}`).toBe(true)
      const whole = (text: string): string => Buffer.from(text).toString()
      expect(
        recordsOf(batch, 0, []).records.map(({ offset, timestampMs, key, value, headers }) => ({
          offset,
          timestampMs,
          key: String(key),
          value: value === null ? null : String(value),
          headers,
        })),
      ).toEqual(
        records.map(({ key, value, headers = {} }, n) => ({
          offset: n,
          timestampMs: origin.timestampMs,
          key: whole(key),
          value: value === null ? null : whole(value),
          headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [whole(name), whole(text)])),
        })),
      )
    }
  })
})

describe('what is read', () => {
  const one = batchOf([first])
  const three = at(batchOf([first, first, first]), 10)

  test('begins at the offset that was asked for, and ends before what has come in part', () => {
    const whole = Buffer.concat([three, at(one, 13)])
    expect(offsetsOf([whole], 11)).toEqual([11, 12, 13])
    expect(recordsOf(Buffer.alloc(0), 11, [])).toEqual({ records: [], next: 11 })
    for (let size = 1; size < whole.length; size++) {
      const part = whole.subarray(0, size)
      expect(foreignPartOf(part)).toBeUndefined()
      // Brokers give the first one whole, or nothing.
      if (size < three.length) expect(() => recordsOf(part, 11, [])).toThrow(RangeError)
      else {
        const { records, next } = recordsOf(part, 11, [])
        expect([records.map(({ offset }) => offset), next]).toEqual([[11, 12], 13])
      }
    }
  })

  test('goes on after the last offset of a batch, also where compaction has taken the record that had it', () => {
    const compacted = amended(three, (bytes) => void bytes.writeInt32BE(7, 23))
    expect(recordsOf(compacted, 10, [])).toMatchObject({ next: 18, records: [{ offset: 10 }, { offset: 11 }, { offset: 12 }] })
    const empty = at(
      amended(one.subarray(0, 61), (bytes) => {
        bytes.writeInt32BE(49, 8)
        bytes.writeInt32BE(0, 57)
      }),
      18,
    )
    expect(recordsOf(Buffer.concat([compacted, empty]), 11, [])).toMatchObject({ next: 19, records: [{ offset: 11 }, { offset: 12 }] })
  })

  test('has the offsets and times that numbers of JavaScript can tell', () => {
    const late = at(batchOf([first], { timestampMs: 2 ** 52 + 1 }), 2 ** 53 - 2)
    expect(recordsOf(late, 0, [])).toMatchObject({ next: 2 ** 53 - 1, records: [{ offset: 2 ** 53 - 2, timestampMs: 2 ** 52 + 1 }] })
  })

  test('leaves out what aborted transactions wrote, and what Kafka writes for itself', () => {
    const [transactional, control] = [16, 32 + 16]
    const log = [
      at(by(withAttributes(one, transactional), 1), 0),
      at(by(withAttributes(one, transactional), 2), 1),
      at(one, 2),
      at(by(withAttributes(one, control), 1), 3),
      at(by(withAttributes(one, transactional), 1), 4),
      at(by(withAttributes(one, control), 2), 5),
      at(by(withAttributes(one, transactional), 2), 6),
      at(by(withAttributes(one, control), 2), 7),
    ]
    const aborted = [
      { producerId: 2n, firstOffset: 6 },
      { producerId: 1n, firstOffset: 0 },
    ]
    expect(offsetsOf(log, 0, aborted)).toEqual([1, 2, 4])
    expect(offsetsOf(log)).toEqual([0, 1, 2, 4, 6])
    expect(recordsOf(Buffer.concat(log), 0, aborted).next).toBe(8)
  })

  test('has the time of the log where the topic says so, and else its own', async () => {
    const deltas = [0, 5, -3, 63, -64, 64, 2 ** 31, -(2 ** 31), 2 ** 40, -(2 ** 40)]
    const { buffer } = await RecordBatch({
      firstTimestamp: origin.timestampMs,
      maxTimestamp: 2_000,
      lastOffsetDelta: deltas.length - 1,
      records: deltas.map((timestampDelta, offsetDelta) => Record({ key: 'k', value: 'v', headers: {}, timestampDelta, offsetDelta })),
    })
    const timesOf = (batch: Buffer): readonly number[] => recordsOf(batch, 0, []).records.map(({ timestampMs }) => timestampMs)
    expect(timesOf(buffer)).toEqual(deltas.map((delta) => origin.timestampMs + delta))
    expect(new Set(timesOf(withAttributes(buffer, 8)))).toEqual(new Set([2_000]))
  })

  test('has the last one of headers with the same name, and none that is null', () => {
    // Two names of the same length, so that one can be written over the other.
    const batch = (value: string) => batchOf([{ key: 'k', value: 'v', headers: { a: '1', b: value, c: '3' } }])
    const renamed = amended(batch('2'), (bytes) => bytes.write('a', bytes.lastIndexOf('c'), 'latin1'))
    expect(recordsOf(renamed, 0, []).records[0]?.headers).toEqual({ a: '3', b: '2' })
    const empty = amended(batch(''), (bytes) => {
      // The size of the text of b: -1 instead of 0.
      bytes[bytes.lastIndexOf('b') + 1] = 1
    })
    expect(recordsOf(empty, 0, []).records[0]?.headers).toEqual({ a: '1', c: '3' })
  })
})

describe('bytes that are not what was written', () => {
  const batch = batchOf([first, first])

  test('are found out by their checksum, whichever of them is another one', () => {
    for (let place = 21; place < batch.length; place++) {
      const damaged = Buffer.from(batch)
      damaged[place] = (damaged[place] ?? 0) ^ 4
      expect(() => recordsOf(damaged, 0, [])).toThrow('checksum')
    }
  })

  test('keep back nothing of what comes before them', () => {
    const second = at(batch, 2)
    const count = amended(at(batch, 4), (bytes) => void bytes.writeInt32BE(3, 57))
    const checksum = at(batch, 4)
    checksum.writeUInt32BE(0, 17)
    const length = at(batch, 4)
    length.writeInt32BE(-1, 8)
    for (const damaged of [count, checksum, length]) {
      const { records, next } = recordsOf(Buffer.concat([batch, second, damaged, at(batch, 6)]), 0, [])
      expect([records.map(({ offset }) => offset), next]).toEqual([[0, 1, 2, 3], 4])
      expect(() => recordsOf(Buffer.concat([damaged, at(batch, 6)]), next, [])).toThrow(RangeError)
    }
  })

  test('are refused where a length makes no sense, and never read for ever', () => {
    const lengths = [-2_147_483_648, -1, 0, 48, batch.length - 11, 2_147_483_647]
    for (const length of lengths) {
      const damaged = Buffer.from(batch)
      damaged.writeInt32BE(length, 8)
      expect(foreignPartOf(damaged)).toBeUndefined()
      expect(() => recordsOf(damaged, 0, [])).toThrow(`a batch of ${length} bytes`)
    }
    const count = (value: number): Buffer => amended(batch, (bytes) => void bytes.writeInt32BE(value, 57))
    expect(() => recordsOf(count(3), 0, [])).toThrow(RangeError)
    expect(() => recordsOf(count(2_147_483_647), 0, [])).toThrow(RangeError)
    expect(recordsOf(count(-1), 0, []).records).toEqual([])
  })

  test('are refused where a size goes beyond its record, or is less than nothing', () => {
    // Of the first record, its key and its value: a byte each, which is twice the size, or an odd number for one below zero.
    const places = [
      [61, 26],
      [65, 5],
      [71, 7],
    ] as const
    for (const [place, size] of places) {
      expect(batch[place]).toBe(2 * size)
      for (const wrong of [2 * 63, 2 * 40, 3, 127]) {
        const damaged = amended(batch, (bytes) => void (bytes[place] = wrong))
        expect(() => recordsOf(damaged, 0, []), `${wrong} at ${place}`).toThrow(RangeError)
      }
    }
    // Headers are read when somebody looks at them: the size of the first name.
    const damaged = amended(batch, (bytes) => void (bytes[bytes.indexOf('a', 79) - 1] = 126))
    expect(() => recordsOf(damaged, 0, []).records[0]?.headers).toThrow(RangeError)
  })

  test('make an error or other records, whatever they are', () => {
    const random = dice(7)
    for (let round = 0; round < 5_000; round++) {
      const damaged = amended(batch, (bytes) => {
        for (let n = 0; n <= random(3); n++) bytes[23 + random(bytes.length - 23)] = random(256)
      })
      try {
        for (const { key, value, headers } of recordsOf(damaged, 0, []).records) expect([key, value, headers]).toHaveLength(3)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }
  })
})

describe('batches of another form, and compressed ones,', () => {
  const plain = batchOf([first])
  const gzip = withAttributes(plain, 1)
  const old = withForm(plain, 1)
  // The checksum of those was another one.
  old.writeUInt32BE(7, 17)

  test('are not for this', () => {
    expect(foreignPartOf(Buffer.concat([plain, plain]))).toBeUndefined()
    for (const other of [old, gzip, withAttributes(plain, 4)]) {
      for (const batches of [[other], [plain, other], [other, plain]]) {
        const whole = Buffer.concat(batches)
        expect(foreignPartOf(whole)?.equals(whole)).toBe(true)
      }
    }
  })

  test('are for kafkajs up to the first one that is damaged, or has come in part', () => {
    const flipped = Buffer.from(plain)
    flipped[22] = 1
    const endless = Buffer.from(plain)
    endless.writeInt32BE(0, 8)
    for (const damaged of [flipped, withForm(plain, 1), withForm(plain, 66), withForm(plain, -126), endless, plain.subarray(0, 70)]) {
      for (const sound of [[gzip], [plain, old]]) {
        const before = Buffer.concat(sound)
        expect(foreignPartOf(Buffer.concat([before, damaged, gzip]))?.equals(before)).toBe(true)
      }
      // What is damaged is told here.
      expect(foreignPartOf(damaged)).toBeUndefined()
      expect(() => recordsOf(damaged, 0, [])).toThrow(RangeError)
      expect(offsetsOf([plain, damaged])).toEqual([0])
    }
  })
})
