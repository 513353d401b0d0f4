/** One run, two processes, one trace, as an OTLP collector sees it. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type OtlpSpan, SpanCollector } from './span-collector.ts'

const folder = mkdtempSync(join(tmpdir(), 'workflow-opentelemetry-'))
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function start(...args: readonly string[]): ChildProcess {
  const child = fork(join(import.meta.dirname, 'letter-process.ts'), args, { execArgv: ['--conditions=@workflow/source'] })
  children.push(child)
  return child
}

function attribute(span: OtlpSpan | undefined, key: string): unknown {
  const value = span?.attributes.find((each) => each.key === key)?.value
  return value === undefined ? undefined : Object.values(value)[0]
}

test('what a client starts and a worker handles is one trace, from the request to the hook', { timeout: 60_000 }, async () => {
  await using collector = await SpanCollector.open()
  const file = join(folder, 'letters.db')
  const worker = start('worker', file, collector.url)
  expect((await once(worker, 'message'))[0]).toBe('running')
  const sent = once(worker, 'message')
  const client = start('client', file, collector.url)
  const [runId] = (await once(client, 'message')) as [string]
  await Promise.all([once(client, 'exit'), sent])
  worker.send('stop')
  await once(worker, 'exit')
  expect([client.exitCode, worker.exitCode]).toEqual([0, 0])
  const byName = Object.fromEntries(collector.spans.map((span) => [span.name, span]))
  expect(Object.keys(byName).toSorted()).toEqual([
    'POST /letters',
    'callback checked letters',
    'hook complete letters',
    'spell check',
    'step written letters',
    'trigger letters',
  ])
  const request = byName['POST /letters']
  const trigger = byName['trigger letters']
  const step = byName['step written letters']
  expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set([request?.traceId]))
  expect(trigger?.parentSpanId).toBe(request?.spanId)
  for (const name of ['step written letters', 'callback checked letters', 'hook complete letters'])
    expect([name, byName[name]?.parentSpanId, attribute(byName[name], 'workflow.run.id')]).toEqual([name, trigger?.spanId, runId])
  // What instrumented libraries do in a handler hangs below it.
  expect(byName['spell check']?.parentSpanId).toBe(step?.spanId)
  // Producer and consumer, as the protocol numbers them.
  expect([trigger?.kind, step?.kind]).toEqual([4, 5])
  expect(attribute(step, 'workflow.run.foreign_id')).toBe('letter-1')
  expect(attribute(step, 'workflow.name')).toBe('letters')
  expect(attribute(step, 'workflow.process')).toBe('step written')
  expect(attribute(step, 'workflow.attempt')).toBe(1)
})
