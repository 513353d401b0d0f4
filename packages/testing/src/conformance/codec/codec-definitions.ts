/** Values into bytes and back: the same, or a clear refusal. */
import { isWorkflowError, type Codec, type CodecContext, type Payload } from '@workflow/core/adapter'
import { checkEqual, checkPresent, checkThat } from '../check.ts'
import type { CodecCase } from './codec-scope.ts'

const context: CodecContext = { workflowName: 'orders', foreignId: 'order-1', runId: 'run-1', kind: 'object' }

async function roundTrip(codec: Codec, value: unknown): Promise<unknown> {
  return codec.decode(await codec.encode(value, 1, context), context)
}

/** What decoding threw, or undefined. */
async function failureOf(work: () => unknown): Promise<unknown> {
  try {
    await work()
    return undefined
  } catch (error) {
    return error
  }
}

class Money {
  readonly cents = 5
}

function cycle(): object {
  const value: { self?: object } = {}
  value.self = value
  return value
}

const plainValues: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['true', true],
  ['zero', 0],
  ['a fraction', 0.1],
  ['a large number', Number.MAX_SAFE_INTEGER],
  ['a tiny number', 5e-324],
  ['an empty text', ''],
  ['a text', 'plain'],
  ['a text of every script', '👩‍👩‍👧‍👦 עברית e\u0301 日本語 \u0001 " \\ \u2028'],
  ['an empty list', []],
  ['an empty object', {}],
  ['a nested value', { a: [1, { b: [null, 'x'] }], 'odd key: "': { '': 0 } }],
  ['a megabyte', 'x'.repeat(1_048_576)],
]

const oddValues: readonly (readonly [string, unknown])[] = [
  ['a bigint', 10n],
  ['a cycle', cycle()],
  ['a function', () => 1],
  ['a symbol', Symbol('x')],
  ['undefined', undefined],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['a Map', new Map([[1, 2]])],
  ['a Set', new Set([1])],
  ['a class', new Money()],
  ['a Date', new Date(0)],
  ['an invalid Date', new Date(Number.NaN)],
  ['bytes', Uint8Array.of(1, 2)],
  ['a RegExp', /x/],
  ['an Error', new Error('x')],
  ['a lone surrogate', '\ud800'],
]

/** Cases about a Codec. */
export const codecDefinitions: readonly CodecCase[] = [
  {
    name: 'plain values come back as they were',
    test: async ({ codec }) => {
      for (const [what, value] of plainValues)
        checkEqual(await roundTrip(codec, value), value, `decode gives back what encode was given (${what})`)
    },
  },
  {
    name: 'a value comes back equal or is refused, wherever it stands',
    test: async ({ codec }) => {
      for (const [what, odd] of oddValues) {
        for (const [where, value] of [
          ['alone', odd],
          ['in an object', { a: odd }],
          ['in a list', [odd]],
        ] as const) {
          const promise = `encode throws NotSerializable for a value that decode could not give back (${what} ${where})`
          let payload: Payload
          try {
            payload = await codec.encode(value, 1, context)
          } catch (error) {
            checkThat(isWorkflowError(error, 'NotSerializable'), promise, `it threw ${String(error)}`)
            continue
          }
          const back = await codec.decode(payload, context)
          checkThat(isSame(back, value), promise, `it came back as ${JSON.stringify(back)}`)
        }
      }
    },
  },
  {
    name: 'a payload says what made it',
    test: async ({ codec }) => {
      const payload = await codec.encode({ a: 1 }, 7, context)
      checkEqual(payload.schema, 7, 'a payload notes the version of the schema that it was given')
      checkThat(payload.codec.length > 0, 'a payload names its codec')
      checkThat(payload.bytes instanceof Uint8Array, 'a payload has bytes')
    },
  },
  {
    name: 'a value that changes after it was encoded is stored as it was',
    test: async ({ codec }) => {
      const value = { list: [1] }
      const payload = await codec.encode(value, 1, context)
      value.list.push(2)
      const first = await codec.decode(payload, context)
      checkEqual(first, { list: [1] }, 'encode takes the value as it is')
      ;(first as { list: number[] }).list.push(3) // Holds: it has just been compared.
      checkEqual(await codec.decode(payload, context), { list: [1] }, 'decode gives a value of its own each time')
    },
  },
  {
    name: 'bytes that make no sense are refused as corrupt',
    test: async ({ codec }) => {
      const payload = await codec.encode({ a: 1 }, 1, context)
      for (const bytes of [new Uint8Array(0), Uint8Array.of(255, 254, 0), payload.bytes.subarray(0, payload.bytes.length - 1)]) {
        const failure = await failureOf(() => codec.decode({ ...payload, bytes }, context))
        checkThat(isWorkflowError(failure, 'StoreCorrupt'), 'bytes that make no sense throw StoreCorrupt', `it threw ${String(failure)}`)
      }
    },
  },
  {
    name: 'bytes of another run, workflow or place are refused',
    needs: ['authenticates'],
    test: async ({ codec }) => {
      const payload = await codec.encode({ a: 1 }, 1, context)
      for (const other of [
        { ...context, runId: 'run-2' },
        { ...context, workflowName: 'refunds' },
        { ...context, foreignId: 'order-2' },
        { ...context, kind: 'reason' as const },
      ]) {
        const failure = await failureOf(() => codec.decode(payload, other))
        checkThat(
          isWorkflowError(failure, 'StoreCorrupt'),
          'a codec that authenticates refuses the bytes of another context',
          `${JSON.stringify(other)}: it threw ${String(failure)}`,
        )
      }
    },
  },
  {
    name: 'what was encrypted with a forgotten key is Shredded',
    needs: ['forgets'],
    test: async ({ codec }) => {
      const other: CodecContext = { ...context, foreignId: 'order-2', runId: 'run-2' }
      const [payload, kept] = [await codec.encode({ a: 1 }, 1, context), await codec.encode({ a: 2 }, 1, other)]
      const subject = checkPresent(payload.subject, 'a payload of a codec that forgets names its subject')
      const forget = checkPresent(codec.forget, 'a codec that forgets has `forget`')
      for (let times = 0; times < 2; times++) await forget(subject)
      checkThat(
        isWorkflowError(await codec.decode(payload, context), 'Shredded'),
        'a forgotten key gives an instance of Shredded, and throws nothing',
      )
      checkEqual(await codec.decode(kept, other), { a: 2 }, 'forgetting one subject costs no other')
    },
  },
]

/** Equal in value and in kind, as far as a codec can promise it. */
function isSame(back: unknown, value: unknown): boolean {
  if (Object.is(back, value)) return true
  if (typeof back !== 'object' || typeof value !== 'object' || back === null || value === null) return false
  if (Object.getPrototypeOf(back) !== Object.getPrototypeOf(value)) return false
  if (value instanceof Date) return Object.is((back as Date).getTime(), value.getTime())
  if (value instanceof Map || value instanceof Set) return isSame([...(back as Iterable<unknown>)], [...value])
  if (value instanceof RegExp || value instanceof Error) return String(back) === String(value)
  const keys = Object.keys(value)
  return (
    keys.length === Object.keys(back).length &&
    keys.every((key) => isSame((back as Record<string, unknown>)[key], (value as Record<string, unknown>)[key]))
  )
}
