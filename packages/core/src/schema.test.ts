import { type } from 'arktype'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { isWorkflowError, type WorkflowError } from './errors.ts'
import { isSchema, isUnchecked, type Schema, unchecked, validated } from './schema.ts'

const what = (): string => "the payload for 'approval'"

function schemaThat(validate: (value: unknown) => unknown): Schema {
  return { '~standard': { version: 1, vendor: 'test', validate: validate as Schema['~standard']['validate'] } }
}

async function refusal(work: () => unknown): Promise<WorkflowError> {
  try {
    await work()
  } catch (error) {
    if (isWorkflowError(error, 'Validation')) return error
    throw error
  }
  throw new Error('nothing was refused')
}

const schemas: readonly (readonly [string, Schema<unknown, unknown>])[] = [
  ['zod', z.object({ parcels: z.array(z.object({ grams: z.number() })) })],
  ['valibot', v.object({ parcels: v.array(v.object({ grams: v.number() })) })],
  ['arktype', type({ parcels: type({ grams: 'number' }).array() })],
]

test.each(schemas)('a value passes a schema of %s, and a misfit is named by its path', async (_vendor, schema) => {
  expect(isSchema(schema)).toBe(true)
  expect(isUnchecked(schema)).toBe(false)
  expect(validated(schema, { parcels: [{ grams: 3 }] }, what)).toEqual({ parcels: [{ grams: 3 }] })
  const error = await refusal(() => validated(schema, { parcels: [{ grams: 'heavy' }] }, what))
  expect(error.message).toMatch(/^the payload for 'approval' does not fit its schema: parcels\[0\]\.grams: /)
  expect(error.details['issues']).toMatchObject([{ path: 'parcels[0].grams' }])
})

test('an unchecked value passes as it is', () => {
  const value = { at: new Date(0) }
  expect(validated(unchecked<unknown>(), value, what)).toBe(value)
  expect(isUnchecked(unchecked())).toBe(true)
})

test('a schema may transform, and may answer with a promise', async () => {
  expect(validated(z.stringbool(), 'yes', what)).toBe(true)
  expect(
    await validated(
      z.string().refine(async (text) => text !== 'taken'),
      'free',
      what,
    ),
  ).toBe('free')
  expect(
    (
      await refusal(() =>
        validated(
          schemaThat(async () => ({ issues: [{ message: 'no' }] })),
          1,
          what,
        ),
      )
    ).message,
  ).toMatch(/does not fit its schema: no$/)
})

test('every issue is listed', async () => {
  const issues = [{ message: 'first', path: ['a', { key: 'b' }] }, { message: 'second' }]
  const error = await refusal(() =>
    validated(
      schemaThat(() => ({ issues })),
      1,
      what,
    ),
  )
  expect(error.message).toMatch(/: a\.b: first; second$/)
})

test.each([
  [
    'throws',
    () => {
      throw new Error('broken')
    },
  ],
  ['rejects', () => Promise.reject(new Error('broken'))],
] as const)('what a schema %s becomes the cause', async (_how, validate) => {
  const error = await refusal(() => validated(schemaThat(validate), 1, what))
  expect(error.message).toMatch(/threw instead of answering/)
  expect(error.cause).toEqual(new Error('broken'))
})

test.each([undefined, null, 1, 'text', {}, { '~standard': {} }, { '~standard': null }, () => true])('%s is no schema', (value) => {
  expect(isSchema(value)).toBe(false)
})
