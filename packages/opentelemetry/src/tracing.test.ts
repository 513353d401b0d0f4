import { context, createContextKey, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { NonRetryable, type SpanStart, ValidationError } from '@workflow/core'
import { memory, memoryDatabase, memoryEventStreamer } from '@workflow/core/memory'
import { expect, test } from 'vitest'
import { lettersOn } from '../test/letters.ts'
import { opentelemetry, type OpenTelemetryOptions } from './index.ts'

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

const ignored = (): void => undefined
const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'
const traceparent = `00-${traceId}-${spanId}-01`
const step: SpanStart = {
  kind: 'step',
  name: 'step written',
  attributes: { workflow: 'letters', process: 'step written', runId: 'r', foreignId: 'ann@example.com', version: 3, attempt: 2 },
  traceparent,
  since: new Date(),
}

interface Traced {
  readonly span: <T>(start: SpanStart, work: (traceparent: string | undefined) => Promise<T>) => Promise<T>
  readonly spans: () => readonly ReadableSpan[]
  readonly provider: TracerProvider
}

function tracing(options: OpenTelemetryOptions = {}, sampler?: Sampler): Traced {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    ...(sampler === undefined ? undefined : { sampler }),
  })
  const { span } = opentelemetry({ tracerProvider: provider, ...options })
  if (span === undefined) throw new Error('there are no spans')
  return { span, spans: () => exporter.getFinishedSpans(), provider }
}

test('a span is a child of its run, whatever is active where the engine came by', async () => {
  const { span, spans, provider } = tracing()
  const elsewhere = provider.getTracer('user').startSpan('elsewhere')
  const inside = await context.with(trace.setSpan(ROOT_CONTEXT, elsewhere), () =>
    span(step, async (given) => [given, trace.getActiveSpan()?.spanContext().spanId]),
  )
  const [made] = spans()
  expect(made).toMatchObject({
    name: 'step written letters',
    kind: SpanKind.CONSUMER,
    parentSpanContext: { traceId, spanId, isRemote: true },
    links: [],
    attributes: {
      'workflow.name': 'letters',
      'workflow.process': 'step written',
      'workflow.run.id': 'r',
      'workflow.run.foreign_id': 'ann@example.com',
      'workflow.run.version': 3,
      'workflow.attempt': 2,
    },
  })
  expect(inside).toEqual([`00-${traceId}-${made?.spanContext().spanId}-01`, made?.spanContext().spanId])
})

test.each([
  ['trigger', 'trigger', SpanKind.PRODUCER, 'trigger letters'],
  ['trigger', 'timers', SpanKind.PRODUCER, 'trigger letters'],
  ['callback', 'callback checked', SpanKind.CONSUMER, 'callback checked letters'],
  ['join', 'join sorted', SpanKind.CONSUMER, 'join sorted letters'],
  ['hook', 'hook complete', SpanKind.CONSUMER, 'hook complete letters'],
  ['timeout', 'timeout checked/timeout', SpanKind.INTERNAL, 'timeout checked/timeout letters'],
] as const)('a %s by the process %s has its kind and name', async (kind, name, spanKind, shown) => {
  const { span, spans } = tracing()
  await span({ ...step, kind, name }, async () => undefined)
  expect(spans().map((each) => [each.kind, each.name, each.attributes['workflow.process']])).toEqual([[spanKind, shown, name]])
})

test('events that are sent and events of others are told by the conventions of messaging', async () => {
  const { span, spans } = tracing()
  await span({ kind: 'publish', name: 'outbox', attributes: { workflow: 'letters', process: 'outbox', events: 7 } }, async () => undefined)
  await span(
    {
      kind: 'connector',
      name: 'connector scans',
      attributes: { workflow: 'letters', process: 'connector scans', eventId: 'e', attempt: 1 },
    },
    async () => undefined,
  )
  expect(spans().map(({ name, kind, attributes }) => ({ name, kind, attributes }))).toEqual([
    {
      name: 'publish letters',
      kind: SpanKind.PRODUCER,
      attributes: {
        'workflow.name': 'letters',
        'workflow.process': 'outbox',
        'messaging.system': 'workflow',
        'messaging.destination.name': 'letters',
        'messaging.operation.type': 'send',
        'messaging.operation.name': 'publish',
        'messaging.batch.message_count': 7,
      },
    },
    {
      name: 'connector scans letters',
      kind: SpanKind.CONSUMER,
      attributes: {
        'workflow.name': 'letters',
        'workflow.process': 'connector scans',
        'messaging.system': 'workflow',
        'messaging.destination.name': 'scans',
        'messaging.operation.type': 'process',
        'messaging.operation.name': 'process',
        'messaging.message.id': 'e',
        'workflow.attempt': 1,
      },
    },
  ])
})

test('an old run gets a trace of its own for each piece of work, with a link to the one it began in', async () => {
  const { span, spans } = tracing({ linkAfter: '1h' })
  const old = { ...step, since: new Date(Date.now() - 3_700_000) }
  const inside = await span(old, async (given) => given)
  await span({ ...step, since: new Date(Date.now() - 3_500_000) }, async () => undefined)
  const [linked, child] = spans()
  expect(linked?.spanContext().traceId).not.toBe(traceId)
  expect(linked?.parentSpanContext).toBeUndefined()
  expect(linked?.links.map((link) => [link.context.traceId, link.context.spanId])).toEqual([[traceId, spanId]])
  expect(inside).toBe(`00-${linked?.spanContext().traceId}-${linked?.spanContext().spanId}-01`)
  expect([child?.spanContext().traceId, child?.links]).toEqual([traceId, []])
  const never = tracing({ linkAfter: false })
  await never.span({ ...step, since: new Date(0) }, async () => undefined)
  expect(never.spans()[0]?.spanContext().traceId).toBe(traceId)
})

test('a failure is recorded with its code, and comes back as it is', async () => {
  const { span, spans } = tracing()
  const error = new NonRetryable('the card was declined')
  await expect(span(step, () => Promise.reject(error))).rejects.toBe(error)
  await expect(span(step, () => Promise.reject('a text'))).rejects.toBe('a text')
  expect(spans().map(({ status, attributes }) => [status, attributes['error.type']])).toEqual([
    [{ code: SpanStatusCode.ERROR, message: 'the card was declined' }, 'NonRetryable'],
    [{ code: SpanStatusCode.ERROR, message: 'a text' }, 'string'],
  ])
  expect(spans()[0]?.events[0]).toMatchObject({ name: 'exception', attributes: { 'exception.message': 'the card was declined' } })
})

test('work of a run whose trace was not sampled is passed on as it is, unless the sampler is to be asked again', async () => {
  const unsampled = { ...step, traceparent: traceparent.replace(/01$/, '00') }
  const quiet = tracing()
  const inside = await quiet.span(unsampled, async (given) => [given, trace.getActiveSpan()?.spanContext().traceFlags])
  expect(inside).toEqual([unsampled.traceparent, 0])
  // A context like any other, for those who ask it for something.
  const key = createContextKey('of the user')
  const values = await quiet.span(unsampled, async () => {
    const given = context.active().setValue(key, 5)
    return [
      given.getValue(key),
      trace.getSpanContext(given)?.traceId,
      given.deleteValue(key).getValue(key),
      context.active().deleteValue(key).getValue(key),
    ]
  })
  expect(values).toEqual([5, traceId, undefined, undefined])
  expect(quiet.spans()).toEqual([])
  const again = tracing({ sampleAgain: true }, new AlwaysOnSampler())
  await again.span(unsampled, async () => undefined)
  expect(again.spans().length).toBe(1)
})

test('baggage and other values of a caller are not handed to whoever works on the run', async () => {
  const key = createContextKey('of the caller')
  const around = propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage({ user: { value: 'ann' } })).setValue(key, 5)
  const { span } = tracing()
  for (const each of [step, { ...step, traceparent: traceparent.replace(/01$/, '00') }]) {
    const seen = await context.with(around, () => span(each, async () => [propagation.getActiveBaggage(), context.active().getValue(key)]))
    expect(seen).toEqual([undefined, undefined])
  }
})

test('work goes on when the SDK is shut down in the middle, and where its sampler throws', async () => {
  const { span, spans, provider } = tracing()
  const held = Promise.withResolvers<void>()
  const under = span(step, async (given) => {
    await held.promise
    return given
  })
  await provider.shutdown()
  held.resolve()
  expect(await under).toMatch(new RegExp(`^00-${traceId}-`))
  expect(await span(step, async () => 'done')).toBe('done')
  expect(spans()).toEqual([])
  const broken: Sampler = {
    shouldSample: () => {
      throw new Error('no sample today')
    },
  }
  const lines: object[] = []
  const logger = { debug: ignored, info: ignored, warn: ignored, error: (fields: object) => lines.push(fields) }
  await using app = lettersOn({
    ...memory(),
    logger,
    instrumentation: opentelemetry({ metrics: false, tracerProvider: new TracerProvider({ sampler: broken }) }),
  })
  await app.run()
  expect(await app.await(await app.trigger('letter', { initialValue: { text: '' } }), 'checked')).toMatchObject({ status: 'checked' })
  expect(lines[0]).toMatchObject({ workflow: 'letters', span: 'trigger', error: { message: 'no sample today' } })
})

test('what a handler does on timers and in callbacks of its own is below its span', async () => {
  const { span, spans, provider } = tracing()
  const tracer = provider.getTracer('of the user')
  await span(step, async () => {
    await new Promise<void>((resolve) => setTimeout(resolve, 1))
    tracer.startSpan('after a timer').end()
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        tracer.startSpan('in a callback').end()
        resolve()
      })
    })
  })
  const own = spans().find(({ name }) => name === 'step written letters')
  for (const name of ['after a timer', 'in a callback'])
    expect([name, spans().find((each) => each.name === name)?.parentSpanContext?.spanId]).toEqual([name, own?.spanContext().spanId])
})

test('an error is told without the values that a schema quotes of it', async () => {
  const { span, spans } = tracing()
  const error = new ValidationError('the object does not fit its schema: card: not hunter2', {
    details: { issues: [{ path: 'card', message: 'not hunter2' }] },
  })
  await expect(span(step, () => Promise.reject(error))).rejects.toBe(error)
  expect(spans()[0]).toMatchObject({ status: { message: 'the object does not fit its schema, at card' } })
  expect(JSON.stringify([spans()[0]?.events, spans()[0]?.status, spans()[0]?.attributes])).not.toContain('hunter2')
})

test('foreign ids may be left out', async () => {
  const { span, spans } = tracing({ foreignIds: false })
  await span(step, async () => undefined)
  expect(spans()[0]?.attributes).not.toHaveProperty('workflow.run.foreign_id')
  expect(spans()[0]?.attributes).toHaveProperty('workflow.run.id')
})

test('without an SDK nothing is recorded, and the context of a caller is passed on as it is', async () => {
  const { span } = opentelemetry()
  expect(await span?.(step, async (given) => given)).toBe(traceparent)
  const { traceparent: _none, ...alone } = step
  expect(await span?.(alone, async (given) => given)).toBeUndefined()
  const infrastructure = { ...memory(), instrumentation: opentelemetry() }
  await using app = lettersOn(infrastructure)
  await app.run()
  const runId = await app.trigger('letter', { initialValue: { text: 'Dear Ann' } })
  expect(await app.await(runId, 'checked')).not.toHaveProperty('traceparent')
})

test('of a tenth of the runs every span is there, and of the others none', async () => {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0.1) }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  const runs = 500
  let hooks = 0
  const all = Promise.withResolvers<void>()
  await using app = lettersOn({ ...memory(), instrumentation: opentelemetry({ tracerProvider: provider }) }, () => {
    if (++hooks === runs) all.resolve()
  })
  await app.run()
  const started = await app.triggerMany(Array.from({ length: runs }, (_, i) => ({ foreignId: `letter ${i}`, initialValue: { text: '' } })))
  for (const { runId } of started) {
    await app.await(runId ?? '', 'checked')
    await app.callback({ runId: runId ?? '' }, 'checked', undefined)
  }
  await all.promise
  await app.stop()
  const traces = Map.groupBy(exporter.getFinishedSpans(), (span) => span.spanContext().traceId)
  for (const spans of traces.values())
    expect(spans.map(({ name }) => name).toSorted()).toEqual([
      'callback checked letters',
      'hook complete letters',
      'step written letters',
      'trigger letters',
    ])
  // Fifty, give or take six times the deviation that chance allows.
  expect(traces.size).toBeGreaterThan(10)
  expect(traces.size).toBeLessThan(90)
})

test('over a stream of its own the relay is in the trace, too', async () => {
  const { spans, provider } = tracing()
  const store = memory({ database: memoryDatabase({ committedEvents: 'outbox' }) })
  const eventStreamer = memoryEventStreamer({ database: memoryDatabase() })
  const app = lettersOn({ ...store, eventStreamer, instrumentation: opentelemetry({ tracerProvider: provider }) })
  await app.run()
  await app.await(await app.trigger('letter', { initialValue: { text: 'Dear Ann' } }), 'checked')
  await app.stop()
  const ids = new Map(spans().map((span) => [span.name, span.spanContext()]))
  expect([...ids.keys()].toSorted()).toEqual(['publish letters', 'step written letters', 'trigger letters'])
  expect(new Set([...ids.values()].map((ofSpan) => ofSpan.traceId)).size).toBe(1)
})
