import { expect, test } from 'vitest'
import type { RunRecord } from '../model/run-record.ts'
import type { Process } from './process.ts'
import { isTraceparent, spanOfRun, traceparentIn } from './span-start.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const good = `00-${traceId}-b7ad6b7169203331-01`

test.each<readonly [string, unknown, boolean]>([
  ['version 00', good, true],
  ['flags of any kind', `00-${traceId}-b7ad6b7169203331-ff`, true],
  ['a later version, which may say more', `cc-${traceId}-b7ad6b7169203331-01-what.the-future=brings`, true],
  ['a later version that says no more', `cc-${traceId}-b7ad6b7169203331-01`, true],
  ['more than version 00 has', `${good}-more`, false],
  ['what is glued on', `cc-${traceId}-b7ad6b7169203331-01more`, false],
  ['a line break at the end', `${good}\n`, false],
  ['a header that is smuggled in', `cc-${traceId}-b7ad6b7169203331-01-\r\nx: y`, false],
  ['version ff', `ff-${traceId}-b7ad6b7169203331-01`, false],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, false],
  ['a span id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`, false],
  ['capital letters', good.toUpperCase(), false],
  ['an empty text', '', false],
  ['a text that is too long', `cc-${traceId}-b7ad6b7169203331-01-${'a'.repeat(255)}`, false],
  ['no text', { toString: () => good }, false],
])('as a trace context, %s', (_, text, is) => {
  expect(isTraceparent(text)).toBe(is)
})

test('version 00 is read by hand as an expression reads it', () => {
  const asWritten = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
  for (let i = 2; i < good.length; i++)
    for (const other of ['0', '9', 'a', 'f', 'g', '/', ':', '`', 'A', '-', ' ', 'ä']) {
      const text = good.slice(0, i) + other + good.slice(i + 1)
      expect([text, isTraceparent(text)]).toEqual([text, asWritten.test(text)])
    }
})

test('headers carry it under a name of any case', () => {
  expect(traceparentIn({ traceparent: good })).toBe(good)
  expect(traceparentIn({ other: 'x', Traceparent: good })).toBe(good)
  expect(traceparentIn({ TRACEPARENT: good })).toBe(good)
  expect([traceparentIn({}), traceparentIn({ traceparent: 'nonsense' }), traceparentIn({ 'x-traceparent': good })]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

test('a run whose row has something else is traced as one that has none', () => {
  // The casts hold because nothing else of either is read.
  const row = (traceparent: string): RunRecord => ({ workflowName: 'orders', runId: 'r', createdAt: new Date(0), traceparent }) as RunRecord
  const process = { name: 'step a' } as Process
  expect(spanOfRun(row(good), process, 'step', 1)).toMatchObject({ traceparent: good, since: new Date(0) })
  expect(spanOfRun(row('00-nonsense'), process, 'step', 1)).not.toHaveProperty('traceparent')
})
