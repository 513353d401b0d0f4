import { expect, test } from 'vitest'
import type { Attributes, Instrumentation, Observed, SpanStart } from '../ports/instrumentation.ts'
import { fanOut } from './fan-out.ts'

interface Said {
  readonly who: string
  readonly what: string
  readonly given: unknown
}

function speaker(who: string, said: Said[], parts: Partial<Instrumentation> = {}): Instrumentation {
  const say =
    (what: string) =>
    (name: string, value: number, labels: Attributes): void => {
      said.push({ who, what, given: [name, value, labels] })
    }
  return { count: say('count'), gauge: say('gauge'), observe: say('observe'), ...parts }
}

/** A span that names itself as the context of what is inside. */
function spanning(who: string, said: Said[], traceparent: string | undefined): Pick<Instrumentation, 'span'> {
  return {
    span: (start, work) => {
      said.push({ who, what: 'span', given: start })
      return work(traceparent)
    },
  }
}

const start: SpanStart = { kind: 'step', name: 'step a', attributes: {}, since: new Date(0), traceparent: 'of the run' }
const observed: Observed = {
  workflowName: 'orders',
  states: () => [],
  slots: () => ({ held: 0, total: 1 }),
  inFlight: () => ({ events: 0, limit: 1 }),
  receivers: async () => [],
  runs: async () => new Map(),
}

test('one is itself, and none measures nothing', () => {
  const one = speaker('a', [])
  expect(fanOut([one])).toBe(one)
  const none = fanOut([])
  expect([none.span, none.attach]).toEqual([undefined, undefined])
  expect([none.count('n', 1, {}), none.gauge('n', 1, {}), none.observe('n', 1, {})]).toEqual([undefined, undefined, undefined])
})

test('all of them measure, in order', () => {
  const said: Said[] = []
  const both = fanOut([speaker('a', said), speaker('b', said)])
  both.count('n', 1, { x: 1 })
  both.gauge('g', 2, {})
  both.observe('o', 3, {})
  expect(said).toEqual([
    { who: 'a', what: 'count', given: ['n', 1, { x: 1 }] },
    { who: 'b', what: 'count', given: ['n', 1, { x: 1 }] },
    { who: 'a', what: 'gauge', given: ['g', 2, {}] },
    { who: 'b', what: 'gauge', given: ['g', 2, {}] },
    { who: 'a', what: 'observe', given: ['o', 3, {}] },
    { who: 'b', what: 'observe', given: ['o', 3, {}] },
  ])
})

test('spans nest, the first outermost, and the inner one is a child of it however old the run is', async () => {
  const said: Said[] = []
  const all = fanOut([
    speaker('a', said, spanning('a', said, 'of a')),
    speaker('measures only', said),
    speaker('b', said, spanning('b', said, 'of b')),
  ])
  const inside = await all.span?.(start, async (traceparent) => traceparent)
  expect(inside).toBe('of b')
  const { since: _age, ...child } = start
  expect(said).toEqual([
    { who: 'a', what: 'span', given: start },
    { who: 'b', what: 'span', given: { ...child, traceparent: 'of a' } },
  ])
})

test('a span that has no context leaves the one there was', async () => {
  const said: Said[] = []
  const all = fanOut([speaker('a', said, spanning('a', said, undefined)), speaker('b', said, spanning('b', said, 'of b'))])
  await all.span?.(start, async () => undefined)
  expect(said.map(({ given }) => given)).toEqual([start, start])
})

test('whoever wants to be attached is, and all are let go together', () => {
  const log: string[] = []
  const attaching = (who: string): Partial<Instrumentation> => ({
    attach: ({ workflowName }) => {
      log.push(`${who} attached to ${workflowName}`)
      return { [Symbol.dispose]: () => void log.push(`${who} let go`) }
    },
  })
  const all = fanOut([speaker('a', [], attaching('a')), speaker('b', []), speaker('c', [], attaching('c'))])
  all.attach?.(observed)[Symbol.dispose]()
  expect(log).toEqual(['a attached to orders', 'c attached to orders', 'a let go', 'c let go'])
})
