import { type } from 'arktype'
import { inspect } from 'node:util'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { isWorkflowError, NonRetryable, StoreUnavailable, ValidationError } from '../errors.ts'
import { type Schema, validated } from '../schema.ts'
import { jsonCodec } from './json-codec.ts'
import { loggableError, loggableMessage } from './loggable-error.ts'

const secret = 'hunter2'

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

/** Everything that a logger could write of an error, nested as deep as it goes. */
function written(error: unknown): string {
  const all = (each: unknown): unknown =>
    each instanceof Error
      ? [each.name, each.message, each.stack, Object.entries(each), all(each.cause), (each as AggregateError).errors?.map(all)]
      : each
  return inspect(all(error), { depth: 20 }) + inspect(error, { depth: 20, showHidden: true })
}

test.each<readonly [string, Schema]>([
  ['zod', z.object({ card: z.string().refine(() => false, { error: (issue) => `not ${String(issue.input)}` }) })],
  ['valibot', v.object({ card: v.number() })],
  ['arktype', type({ card: "'visa'" })],
])('what %s quotes of a value is not shown, and where it does not fit is', (_, schema) => {
  const error = thrownBy(() => validated(schema, { card: secret }, () => 'the object of run r'))
  expect(written(error)).toContain(secret)
  const shown = loggableError(error)
  expect(written(shown)).not.toContain(secret)
  expect(shown).toMatchObject({ message: 'the object of run r does not fit its schema, at card', details: { issues: [{ path: 'card' }] } })
  expect(shown instanceof ValidationError && isWorkflowError(shown, 'Validation')).toBe(true)
  expect(loggableMessage(error)).toBe('the object of run r does not fit its schema, at card')
})

test('what a schema throws keeps its own message', async () => {
  const schema = z.string().transform(() => {
    throw new Error('no rates today')
  })
  const failing = Promise.resolve(validated(schema, secret, () => 'the object'))
  const shown = loggableError(await failing.catch((error: unknown) => error))
  expect(shown).toMatchObject({ message: 'the schema of the object threw instead of answering', cause: { message: 'no rates today' } })
})

test('what JSON quotes of a stored text is not shown', () => {
  const payload = { bytes: Buffer.from(`{"card": ${secret}`), codec: 'json', schema: 1 }
  const error = thrownBy(() => jsonCodec.decode(payload, { workflowName: 'w', foreignId: 'f', runId: 'r', kind: 'object' }))
  expect(written(error)).toContain('hunter')
  expect(written(loggableError(error))).not.toContain('hunter')
  expect(loggableError(error)).toMatchObject({ code: 'StoreCorrupt', message: 'the stored value is not valid JSON' })
})

test('what drivers and clients hang on their errors is not shown, but for names and codes', () => {
  const ofDatabase = Object.assign(new Error('null value in column "at" violates not-null constraint'), {
    code: '23502',
    detail: `Failing row contains (1, ${secret}).`,
    where: `PL/pgSQL function with ${secret}`,
    table: 'record',
    parameters: [secret],
  })
  const ofClient = Object.assign(new Error('Request failed with status code 401'), {
    code: 'ERR_BAD_REQUEST',
    config: { headers: { authorization: secret } },
    response: { data: { card: secret } },
  })
  const all = new AggregateError([ofClient, ofDatabase], 'both', { cause: new StoreUnavailable('away', { cause: ofDatabase }) })
  const shown = loggableError(all)
  expect(written(shown)).not.toContain(secret)
  expect(shown).toMatchObject({
    message: 'both',
    errors: [
      { message: 'Request failed with status code 401', code: 'ERR_BAD_REQUEST' },
      { code: '23502', table: 'record' },
    ],
    cause: { code: 'StoreUnavailable', retryable: true, cause: { message: ofDatabase.message } },
  })
})

test('a copy is an error of the same kind, with the stack of the first', () => {
  class Declined extends Error {
    override readonly name = 'Declined'
    readonly #left = secret
    left(): string {
      return this.#left
    }
  }
  const error = new Declined('no money')
  const shown = loggableError(error)
  expect(shown).not.toBe(error)
  expect(shown instanceof Declined && shown instanceof Error).toBe(true)
  expect((shown as Error).stack).toBe(error.stack?.replace(/^Error: /, 'Declined: '))
  expect(inspect(shown)).toContain('Declined: no money\n    at ')
  expect(isWorkflowError(loggableError(new NonRetryable('enough')), 'NonRetryable')).toBe(true)
})

test.each<readonly [string, unknown, string]>([
  ['a text', 'out of stock', 'out of stock'],
  ['nothing', undefined, 'undefined'],
  ['an object', { card: secret }, 'no Error, but [object Object]'],
  ['a function', () => secret, 'no Error, but [object Function]'],
])('%s that was thrown', (_, thrown, text) => {
  expect(loggableError(thrown)).toBe(text)
})

test('what cannot be looked at is told as such, and circles end', () => {
  const hostile = Object.defineProperty(new Error('x'), 'message', {
    get: () => {
      throw new Error(secret)
    },
  })
  expect(loggableMessage(hostile)).toMatch(/cannot be read/)
  const circle = new Error('round')
  circle.cause = circle
  expect(written(loggableError(circle))).toContain('round')
})
