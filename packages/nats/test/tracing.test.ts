/** A trace that goes on in another process and another engine, over NATS, as an OTLP collector sees it. */
import { jetstreamManager } from '@nats-io/jetstream'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type OtlpSpan, SpanCollector } from '../../opentelemetry/test/span-collector.ts'
import { connectTo, freshPrefix, removeStreams, serverUrl } from './server.ts'

test.skipIf(serverUrl === undefined)(
  'what one engine triggers and another one goes on with is one trace',
  { timeout: 60_000 },
  async () => {
    await using collector = await SpanCollector.open()
    const folder = mkdtempSync(join(tmpdir(), 'workflow-nats-'))
    const prefix = freshPrefix()
    const connection = await connectTo()
    await (await jetstreamManager(connection)).streams.add({ name: `${prefix}_foreign`, subjects: [`${prefix}.>`] })
    const children = ['shop', 'post'].map((role) =>
      fork(join(import.meta.dirname, 'traced-process.ts'), [role, folder, collector.url, serverUrl ?? '', prefix], {
        execArgv: ['--conditions=@workflow/source'],
      }),
    )
    onTestFinished(async () => {
      for (const child of children) child.kill('SIGKILL')
      for (const own of [prefix, `${prefix}-shop`, `${prefix}-post`]) await removeStreams(own)
      await connection.close()
      rmSync(folder, { recursive: true, force: true })
    })
    await Promise.all(children.map((child) => once(child, 'message')))
    const ended = children.map((child) => once(child, 'exit'))
    for (const child of children) child.send('stop')
    expect((await Promise.all(ended)).map(([code]) => code as number)).toEqual([0, 0])

    // Each by its name; the relay of either engine has sent one batch and more.
    const spans = new Map<string, OtlpSpan>(collector.spans.map((span) => [span.name, span]))
    const parents: readonly (readonly [span: string, parent: string | undefined])[] = [
      ['POST /orders', undefined],
      ['trigger orders', 'POST /orders'],
      ['step placed orders', 'trigger orders'],
      ['publish orders', 'trigger orders'],
      ['connector sold parcels', 'step placed orders'],
      ['trigger parcels', 'connector sold parcels'],
      ['step packed parcels', 'trigger parcels'],
      ['publish parcels', 'trigger parcels'],
      ['hook complete parcels', 'trigger parcels'],
    ]
    expect([...spans.keys()].toSorted()).toEqual(parents.map(([name]) => name).toSorted())
    for (const [name, parent] of parents)
      expect([name, spans.get(name)?.parentSpanId]).toEqual([name, parent === undefined ? undefined : spans.get(parent)?.spanId])
    expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(1)
  },
)
