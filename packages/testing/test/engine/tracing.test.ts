/** Spans: what they are about, what they hang below, and that the work inside does not depend on them. */
import { after, DeadlineExceeded, type SpanStart, unchecked, workflow } from '@workflow/core'
import { memoryDatabase, memoryEventStreamer } from '@workflow/core/memory'
import { expect, test } from 'vitest'
import { memoryConnector } from '../../src/memory-connector.ts'
import { Tracer } from './tracer.ts'
import { World } from './world.ts'

const caller = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const legs = workflow('legs', { object: unchecked<{ n: number }>(), graph: { made: { step: ['done'] }, done: {} } })
const trips = workflow('trips', {
  object: unchecked<{ n: number }>(),
  graph: {
    made: { step: ['travelling'] },
    travelling: { join: ['asked'] },
    asked: { callback: ['waiting'] },
    waiting: { timeout: ['over'] },
    over: {},
  },
  children: { travelling: legs },
})

function traceOf(traceparent: string | undefined): string | undefined {
  return traceparent?.split('-')[1]
}

test('a run is one trace from its trigger to its hooks, children included, across processes', async () => {
  await using world = new World()
  const tracer = new Tracer()
  const seen: (readonly [what: string, traceparent: string | undefined, active: string | undefined])[] = []
  const see = (what: string, traceparent: string | undefined): void => {
    seen.push([what, traceparent, tracer.active.getStore()?.traceparent])
  }
  await world.start((ports) =>
    legs
      .addStep('made', async (run) => {
        see('child', run.traceparent)
        return 'done'
      })
      .build({ ...ports, instrumentation: tracer }),
  )
  const wf = await world.start(
    (ports) =>
      trips
        .addStep('made', async (run) => {
          see('step', run.traceparent)
          run.startChild(legs, 'leg', { initialValue: { n: 1 } })
          return 'travelling'
        })
        .addJoin('travelling', async (run) => {
          see('join', run.traceparent)
          return 'asked'
        })
        .addCallback('asked', async (run) => {
          see('callback', run.traceparent)
          return 'waiting'
        })
        .addTimeout('waiting', after('1h'), async (run) => {
          see('timeout', run.traceparent)
          return 'over'
        })
        .onComplete(async (_run, { traceparent }) => see('hook', traceparent))
        .build({ ...ports, instrumentation: tracer }),
    'b',
  )
  const client = trips.client({ ...world.ports('c'), instrumentation: tracer })
  const runId = await client.trigger('trip', { initialValue: { n: 0 } })
  await world.within(wf.await(runId, 'asked'))
  await client.callback({ runId }, 'asked')
  await world.pass(3_700_000)
  await world.until(() => seen.length === 6)
  const [trigger] = tracer.of('trigger')
  const trace = traceOf(trigger?.traceparent)
  expect(seen.map(([what]) => what)).toEqual(['step', 'child', 'join', 'callback', 'timeout', 'hook'])
  for (const [what, traceparent, active] of seen) {
    // The handler's own span, for those who pass it on and for a tracer that looks at the asynchronous context.
    const span = tracer.spans.find((each) => each.traceparent === traceparent)
    expect([what, span?.start.kind, active]).toEqual([what, what === 'child' ? 'step' : what, traceparent])
    expect(traceOf(traceparent)).toBe(trace)
  }
  const parents = Object.fromEntries(seen.map(([what, own]) => [what, tracer.spans.find((each) => each.traceparent === own)?.start]))
  expect(parents['step']?.traceparent).toBe(trigger?.traceparent)
  expect(parents['child']?.traceparent).toBe(seen[0]?.[1])
  expect(parents['timeout']?.since).toEqual((await client.lookup(runId))?.createdAt)
  expect(parents['join']).toMatchObject({
    name: 'join travelling',
    attributes: { workflow: 'trips', process: 'join travelling', runId, foreignId: 'trip', version: 2, attempt: 1 },
  })
  expect(parents['hook']?.attributes).toEqual({
    workflow: 'trips',
    process: 'hook complete',
    runId,
    foreignId: 'trip',
    version: 5,
    attempt: 1,
  })
  expect(tracer.spans.every(({ ended }) => ended)).toBe(true)
})

test("a run keeps its caller's trace context, and the trigger itself is traced below it", async () => {
  await using world = new World()
  const tracer = new Tracer()
  const client = legs.client({ ...world.ports(), instrumentation: tracer })
  const runId = await client.trigger('leg', { initialValue: { n: 1 }, traceparent: caller })
  expect(await client.lookup(runId)).toMatchObject({ traceparent: caller })
  expect(tracer.spans[0]?.start).toEqual({
    kind: 'trigger',
    name: 'trigger',
    attributes: { workflow: 'legs', process: 'trigger', runId, foreignId: 'leg' },
    traceparent: caller,
  })
  const own = await client.trigger('other', { initialValue: { n: 1 } })
  expect(await client.lookup(own)).toMatchObject({ traceparent: tracer.spans[1]?.traceparent })
})

test('a trigger that is refused is an error of its span, and one that makes no sense has none', async () => {
  await using world = new World()
  const tracer = new Tracer()
  const client = legs.client({ ...world.ports(), instrumentation: tracer })
  await client.trigger('leg', { initialValue: { n: 1 } })
  await expect(client.trigger('leg', { initialValue: { n: 1 } })).rejects.toThrow(/unfinished run/)
  expect(tracer.spans[1]?.error).toMatchObject({ code: 'WorkflowInProgress' })
  // The casts are what JavaScript does not need.
  await expect(client.trigger(5 as never, { initialValue: { n: 1 } })).rejects.toThrow(/must be a string/)
  await expect(client.trigger('leg', undefined as never)).rejects.toThrow(/needs \{ initialValue \}/)
  await expect(client.trigger('leg', { initialValue: { n: 1 }, traceparent: 'no' })).rejects.toThrow(/traceparent/)
  expect(tracer.spans.map(({ start }) => start.traceparent)).toEqual([undefined, undefined, undefined])
})

test('each attempt is a span with its error and its number; one whose handler never settles ends at the deadline', async () => {
  await using world = new World()
  const tracer = new Tracer()
  const wf = await world.start((ports) =>
    legs
      .addStep(
        'made',
        (run) => {
          if (run.attempt === 1) throw new Error('no luck')
          return run.attempt === 2 ? new Promise(() => undefined) : Promise.resolve('done')
        },
        { errBackOff: '1s', deadline: '5s' },
      )
      .build({ ...ports, instrumentation: tracer }),
  )
  await world.within(wf.awaitCompletion(await wf.trigger('leg', { initialValue: { n: 1 } })))
  const steps = tracer.of('step')
  expect(steps.map(({ start, ended }) => [start.attributes['attempt'], start.attributes['version'], ended])).toEqual([
    [1, 1, true],
    [2, 1, true],
    [3, 1, true],
  ])
  expect(steps.map(({ error }) => error)).toEqual([new Error('no luck'), expect.any(DeadlineExceeded), undefined])
  expect(world.logged('warn', 'the attempt failed').map(({ fields }) => fields['traceId'])).toEqual(
    steps.slice(0, 2).map(({ traceparent }) => traceOf(traceparent)),
  )
})

test("an event of a foreign stream continues its sender's trace, and what it starts belongs to it", async () => {
  await using world = new World()
  const tracer = new Tracer()
  const scans = memoryConnector({ clock: world.clock })
  const inside: (string | undefined)[] = []
  const wf = await world.start((ports) =>
    legs
      .addStep('made', async () => 'done')
      .addConnector('scans', unchecked<string>(), async ({ data }, api, { traceparent }) => {
        inside.push(traceparent)
        await api.trigger(data, { initialValue: { n: 1 }, ...(traceparent === undefined ? undefined : { traceparent }) })
      })
      .build({ ...ports, connectors: { scans }, instrumentation: tracer }),
  )
  await world.until(() => wf.states().some(({ name, state }) => name === 'connector scans' && state === 'running'))
  await world.turns()
  await scans.publish([
    { key: 'a', value: 'a', headers: { traceparent: caller } },
    { key: 'b', value: 'b', headers: { traceparent: 'nonsense' } },
  ])
  await world.until(async () => (await wf.list({ state: 'Completed' })).items.length === 2)
  const spans = tracer.of('connector')
  expect(spans.map(({ start }) => start.traceparent)).toEqual([caller, undefined])
  expect(spans.map(({ start }) => start.name)).toEqual(['connector scans', 'connector scans'])
  expect(inside).toEqual(spans.map(({ traceparent }) => traceparent))
  expect((await wf.list({ foreignId: 'a' })).items.map(({ traceparent }) => traceOf(traceparent))).toEqual([traceOf(caller)])
})

test('a scheduled run begins a trace of its own', async () => {
  await using world = new World()
  const tracer = new Tracer()
  const wf = await world.start((ports) => legs.addStep('made', async () => 'done').build({ ...ports, instrumentation: tracer }))
  await wf.schedule('daily', '@hourly', { initialValue: { n: 1 } })
  await world.pass(3_700_000)
  const [trigger] = tracer.of('trigger')
  expect(trigger?.start).toMatchObject({ name: 'timers', attributes: { workflow: 'legs', process: 'timers', foreignId: 'daily' } })
  expect((await wf.list({ foreignId: 'daily' })).items[0]).toMatchObject({ traceparent: trigger?.traceparent })
  expect(tracer.of('step')[0]?.start.traceparent).toBe(trigger?.traceparent)
})

test('a relayed batch is a span, in the trace of its events where they share one', async () => {
  await using world = new World({ database: memoryDatabase({ committedEvents: 'outbox' }) })
  const tracer = new Tracer()
  const eventStreamer = memoryEventStreamer({ database: memoryDatabase(), clock: world.clock })
  const build = legs.addStep('made', async () => 'done')
  const wf = await world.start((ports) => build.build({ ...ports, eventStreamer, instrumentation: tracer }))
  await world.within(wf.awaitCompletion(await wf.trigger('one', { initialValue: { n: 1 } })))
  await world.turns()
  const alone = tracer.of('publish')
  expect(new Set(alone.map(({ start }) => start.traceparent))).toEqual(new Set([tracer.of('trigger')[0]?.traceparent]))
  expect(alone[0]?.start).toMatchObject({ name: 'outbox', attributes: { workflow: 'legs', process: 'outbox' } })
  expect(alone.reduce((events, { start }) => events + Number(start.attributes['events']), 0)).toBe(2)
  await Promise.all(['two', 'three', 'four'].map((name) => wf.trigger(name, { initialValue: { n: 1 } })))
  await world.until(async () => (await wf.list({ state: 'Completed' })).items.length === 4)
  await world.turns()
  const mixed = tracer.of('publish').filter(({ start }) => Number(start.attributes['events']) > 1)
  expect(mixed.length).toBeGreaterThan(0)
  expect(mixed.map(({ start }) => start.traceparent)).toEqual(mixed.map(() => undefined))
})

type Work = (traceparent: string | undefined) => Promise<unknown>

/** Ways in which a span can go wrong. */
function spansThat(): Readonly<Record<string, (start: SpanStart, work: Work) => Promise<unknown>>> {
  const wrong = (): never => {
    throw new Error('the tracer is broken')
  }
  return {
    'throws before the work': wrong,
    'throws after the work': (_start, work) => {
      void work(undefined)
      return wrong()
    },
    'never calls it': () => new Promise(() => undefined),
    'never calls it, and is done': async () => undefined,
    'calls it twice': async (_start, work) => [await work(undefined), await work(undefined)],
    'calls it late': async (_start, work) => {
      await Promise.resolve()
      return await work(undefined)
    },
    'keeps its result': async (_start, work) => {
      await work(undefined)
      return 'nonsense'
    },
    'hides its error': (_start, work) => work(undefined).catch(() => undefined),
    'returns no promise': (_start, work) => {
      void work(undefined).catch(() => undefined)
      return 5 as never
    },
    'is no string': (_start, work) => work(5 as never),
  }
}

test.each(Object.entries(spansThat()))('work is done once, with its own result, inside a span that %s', async (_how, span) => {
  await using world = new World()
  let calls = 0
  const instrumentation = { count: () => undefined, gauge: () => undefined, observe: () => undefined, span: span as never }
  const wf = await world.start((ports) =>
    legs
      .addStep(
        'made',
        async (run) => {
          calls += 1
          if (run.attempt === 1) throw new Error('once')
          run.object.n += 1
          return 'done'
        },
        { errBackOff: '20ms' },
      )
      .build({ ...ports, instrumentation }),
  )
  expect(await world.within(wf.awaitCompletion(await wf.trigger('leg', { initialValue: { n: 1 } })))).toMatchObject({ object: { n: 2 } })
  expect(calls).toBe(2)
})
