import { expect, test } from 'vitest'
import { z } from 'zod'
import { contractModelFrom } from '../contract-model.ts'
import { Shredded } from '../errors.ts'
import { unchecked, type Schema } from '../schema.ts'
import { jsonCodec } from '../adapter/json-codec.ts'
import { ObjectCodec, tombstone } from './object-codec.ts'

const owner = { runId: 'r1', foreignId: 'f1' }
const graph = { a: { step: ['b'] }, b: {} }

function codec(object: Schema, more: object = {}, bytesMax = 10_000): ObjectCodec {
  return new ObjectCodec(contractModelFrom('things', { object, graph, ...more }), jsonCodec, bytesMax)
}

test('what a schema brings back comes back as it was', async () => {
  const dates = codec(z.object({ at: z.coerce.date(), list: z.array(z.number()), text: z.string() }))
  const value = { at: new Date(5), list: [1, 2.5, -0.1], text: 'žluťoučký 🐎 \u2028' }
  expect(await dates.decodeObject(await dates.encode(value, owner), owner)).toEqual(value)
})

test('without a schema a Date is refused, wherever it is', () => {
  expect(() => codec(unchecked()).encode({ a: [{ b: new Date(0) }] }, owner)).toThrow(/'a\[0\]\.b' is a Date/)
})

test('errors name the run, and are kept to a size', async () => {
  const small = codec(unchecked(), {}, 10)
  expect(() => small.encode('x'.repeat(20), owner)).toThrow(
    /object of run r1 \('f1'\) of workflow 'things' takes 22 bytes, and maxObjectBytes is 10/,
  )
  expect(() => codec(unchecked()).encode({ n: 1n }, owner)).toThrow(/object of run r1 .* cannot be stored: 'n' is a BigInt/)
  const error = await codec(unchecked()).decodeError(
    await codec(unchecked(), {}, 1_000_000).encodeError(
      new Error('x'.repeat(100_000)),
      owner,
      { process: 'step a', attempt: 1, startedAt: new Date(0), durationMs: 1, instance: 'i' },
      [],
    ),
    owner,
  )
  expect(error?.message.length).toBeLessThan(10_000)
})

test('where there is no room for the failures before it, the last error is kept alone', async () => {
  const small = codec(unchecked(), {}, 4_000)
  const made = { process: 'step a', attempt: 9, startedAt: new Date(0), durationMs: 1, instance: 'i' }
  const before = Array.from({ length: 8 }, (_, n) => ({ ...made, attempt: n + 1, name: 'Error', message: 'x'.repeat(1_000) }))
  const payload = await small.encodeError('disconnected', owner, made, before)
  expect(await small.decodeError(payload, owner)).toMatchObject({ message: 'disconnected' })
  expect((await small.decodeFailures(payload, owner)).map(({ attempt }) => attempt)).toEqual([9])
  const all = await small.encodeError('disconnected', owner, made, before.slice(-2))
  expect((await small.decodeFailures(all, owner)).map(({ attempt }) => attempt)).toEqual([7, 8, 9])
})

test('an old object is brought up to date, then checked', async () => {
  const Old = z.object({ n: z.number() })
  const now = codec(z.object({ n: z.number(), unit: z.string() }), {
    schemaVersion: 3,
    upcast: (old: unknown, version: number) => ({ ...(old as object), unit: `from ${version}` }),
  })
  expect(await now.decodeObject(await codec(Old).encode({ n: 1 }, owner), owner)).toEqual({ n: 1, unit: 'from 1' })
  expect(() =>
    codec(z.object({ n: z.string() })).decodeObject(
      jsonCodec.encode({ n: 1 }, 1, { ...owner, workflowName: 'things', kind: 'object' }) as never,
      owner,
    ),
  ).toThrow(/stored object of run r1 .* does not fit its schema: n:/)
})

test('bytes that are no JSON, of another codec, or deleted, are told apart', async () => {
  const any = codec(unchecked())
  expect(() => any.decodeObject({ bytes: new Uint8Array([0xff]), codec: 'json', schema: 1 }, owner)).toThrow(
    /object of run r1 .* cannot be decoded/,
  )
  expect(() => any.decodeObject({ bytes: new Uint8Array(), codec: 'zstd', schema: 1 }, owner)).toThrow(/encoded by 'zstd'/)
  expect(any.decode(tombstone, owner, 'item')).toBeUndefined()
  expect(await any.decodeReason(tombstone, owner)).toBe('(deleted)')
  expect(await any.decodeError(tombstone, owner)).toEqual({ name: '(deleted)', message: '(deleted)' })
  expect(await any.decodeReason(undefined, owner)).toBe('')
})

test('a forgotten key is said, and does not make reasons and errors unreadable', async () => {
  const gone = new Shredded('the key is gone')
  const shredded = new ObjectCodec(
    contractModelFrom('things', { object: unchecked(), graph }),
    { ...jsonCodec, decode: async () => gone },
    10_000,
  )
  const payload = await shredded.encode('x', owner)
  await expect((async () => await shredded.decodeObject(payload, owner))()).rejects.toBe(gone)
  expect(await shredded.decodeReason(payload, owner)).toBe('(deleted)')
  expect(await shredded.decodeError(payload, owner)).toMatchObject({ name: '(deleted)' })
})
