import { expect, test } from 'vitest'
import { ManualClock } from '../../test/manual-clock.ts'
import type { Instrumentation } from '../ports/instrumentation.ts'
import type { Logger } from '../ports/logger.ts'
import { safeInstrumentation } from './safe-instrumentation.ts'

const quiet = (): void => undefined
const broken = (): never => {
  throw new Error('broken')
}

function safe(parts: Partial<Instrumentation>): {
  readonly instrumentation: Instrumentation
  readonly clock: ManualClock
  readonly lines: (readonly [fields: object, message: string])[]
} {
  const clock = new ManualClock()
  const lines: (readonly [fields: object, message: string])[] = []
  const logger: Logger = { debug: quiet, info: quiet, warn: quiet, error: (fields, message) => lines.push([fields, message]) }
  const given = { count: quiet, gauge: quiet, observe: quiet, ...parts }
  return { instrumentation: safeInstrumentation(given, logger, clock, 'orders'), clock, lines }
}

test('a measurement that throws again and again is told once a minute, by its name', async () => {
  const { instrumentation, clock, lines } = safe({ count: broken, gauge: broken })
  for (let i = 0; i < 3; i++) {
    instrumentation.count('a', 1, {})
    instrumentation.count('b', 1, {})
    instrumentation.gauge('c', 1, {})
    instrumentation.observe('d', 1, {})
  }
  const names = (): readonly unknown[] => lines.map(([fields]) => (fields as { metric?: unknown }).metric)
  expect(names()).toEqual(['a', 'b', 'c'])
  expect(lines[0]).toEqual([
    { workflow: 'orders', metric: 'a', error: new Error('broken') },
    'the instrumentation threw; what it was to record is lost',
  ])
  await clock.advance(60_000)
  instrumentation.count('a', 1, {})
  expect(names()).toEqual(['a', 'b', 'c', 'a'])
})

test('an error of the work is no error of the span, and one of the span is told', async () => {
  const error = new Error('no luck')
  const passing = safe({ span: (_start, work) => work(undefined) })
  const start = { kind: 'step', name: 'step a', attributes: {} } as const
  await expect(passing.instrumentation.span?.(start, () => Promise.reject(error))).rejects.toBe(error)
  expect(passing.lines).toEqual([])
  const failing = safe({
    span: async (_start, work) => {
      await work(undefined)
      return broken()
    },
  })
  expect(await failing.instrumentation.span?.(start, async () => 5)).toBe(5)
  await failing.clock.advance(0)
  expect(failing.lines.map(([fields]) => fields)).toEqual([{ workflow: 'orders', span: 'step', error: new Error('broken') }])
})

test('a rejection of something asynchronous is told like any other error, and ends no process', async () => {
  // The casts hold because the point is what the linter refuses.
  const rejects = (async (): Promise<never> => broken()) as unknown as () => void
  const disposable: Disposable = { [Symbol.dispose]: rejects }
  const { instrumentation, clock, lines } = safe({ count: rejects, attach: () => disposable })
  instrumentation.count('a', 1, {})
  instrumentation.attach?.({} as never)[Symbol.dispose]()
  await clock.advance(0)
  expect(lines.map(([fields]) => fields)).toEqual([
    { workflow: 'orders', metric: 'a', error: new Error('broken') },
    { workflow: 'orders', error: new Error('broken') },
  ])
})

test('a span that never settles, calls late, twice or not at all has the work done once and at once', async () => {
  const start = { kind: 'step', name: 'step a', attributes: {} } as const
  const spans: readonly NonNullable<Instrumentation['span']>[] = [
    () => new Promise(() => undefined),
    async (_start, work) => {
      await work(undefined)
      return await work(undefined)
    },
    async (_start, work) => {
      await Promise.resolve()
      return await work(undefined)
    },
    // The cast holds because the point is what the compiler refuses.
    () => 'nonsense' as never,
  ]
  for (const span of spans) {
    let calls = 0
    const work = async (): Promise<number> => ++calls
    expect(await safe({ span }).instrumentation.span?.(start, work)).toBe(1)
    expect(calls).toBe(1)
  }
})

test('a trace context that is none goes no further', async () => {
  const start = { kind: 'trigger', name: 'trigger', attributes: {} } as const
  const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  for (const [given, passed] of [
    [good, good],
    ['', undefined],
    ['00-xyz', undefined],
    [`${good}\r\nx: y`, undefined],
    [7, undefined],
  ] as const) {
    const { instrumentation } = safe({ span: (_start, work) => work(given as string) })
    expect(await instrumentation.span?.(start, async (traceparent) => traceparent)).toBe(passed)
  }
})

test('what is absent stays absent, so that it costs nothing', () => {
  const { instrumentation } = safe({})
  expect([instrumentation.span, instrumentation.attach]).toEqual([undefined, undefined])
})

test('letting go may fail, too', () => {
  const { instrumentation, lines } = safe({ attach: () => ({ [Symbol.dispose]: broken }) })
  instrumentation.attach?.({} as never)[Symbol.dispose]()
  expect(lines.length).toBe(1)
})
