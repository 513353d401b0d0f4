/** Interleavings around handlers in hand: suspicions, fences, turns, poison. */
import { after, StoreUnavailable, unchecked, workflow } from '@workflow/core'
import { Fenced, jsonCodec, Shredded } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { World } from './world.ts'

interface Thing {
  readonly n: number
  readonly seen?: string[]
}

const simple = workflow('simple', { object: unchecked<Thing>(), graph: { a: { step: ['b'] }, b: {} } })

test('failures of a handler are not taken for deaths of its process after an unclean takeover', async () => {
  await using world = new World()
  let alive = false
  let calls = 0
  const build = (): ReturnType<typeof simple.addStep> =>
    simple.addStep(
      'a',
      async () => {
        if (!alive) return await new Promise<'b'>(() => undefined)
        calls += 1
        if (calls < 9) throw new Error('the bank is closed')
        return 'b'
      },
      { errBackOff: '100ms' },
    )
  const first = await world.start((ports) => build().build(ports), 'a')
  const runId = await first.trigger('x', { initialValue: { n: 1 } })
  await world.turns()
  world.kill('a')
  alive = true
  const second = await world.start((ports) => build().build(ports), 'b')
  await world.pass(60_000)
  expect(await second.lookup(runId)).toMatchObject({ state: 'Completed' })
})

test('a slot that a newer holder has taken ends the handlers in hand', async () => {
  await using world = new World()
  const aborted: string[] = []
  let fence = false
  const wf = await world.start((ports) => {
    const streamer = ports.eventStreamer
    return simple
      .addStep('a', async (run) => {
        run.signal.addEventListener('abort', () => aborted.push(run.runId))
        return await new Promise<'b'>(() => undefined)
      })
      .build({
        ...ports,
        eventStreamer: {
          ...streamer,
          newReceiver: async (options) => {
            const receiver = await streamer.newReceiver(options)
            return {
              ...receiver,
              assign: (claims) => receiver.assign(claims),
              [Symbol.asyncDispose]: () => Promise.resolve(receiver[Symbol.asyncDispose]()),
              receive: async (how) => {
                if (fence && options.durable) {
                  fence = false
                  throw new Fenced('taken', { details: { slots: [0, 1] } })
                }
                return await receiver.receive(how)
              },
            }
          },
        },
      })
  })
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.turns()
  fence = true
  await wf.trigger('y', { initialValue: { n: 2 } })
  await world.pass(30_000)
  expect(aborted).toContain(runId)
})

test('an unreadable error or reason does not take the slot away from the neighbours', async () => {
  await using world = new World()
  const wf = await world.start((ports) =>
    simple
      .addStep(
        'a',
        async (run) => {
          if (run.object.n === 1) throw new Error('poison')
          return 'b'
        },
        { errBackOff: '100ms', pauseAfterErrCount: 2 },
      )
      .build({
        ...ports,
        slots: 1,
        codec: {
          ...jsonCodec,
          encode: (value, schema, context) => {
            if (context.kind !== 'object' && context.foreignId === 'poison') throw new Shredded('the key of poison is forgotten')
            return jsonCodec.encode(value, schema, context)
          },
        },
      }),
  )
  await wf.trigger('poison', { initialValue: { n: 1 } })
  await world.pass(100)
  const good = await wf.trigger('good', { initialValue: { n: 2 } })
  await world.pass(2_000)
  expect(await wf.lookup(good)).toMatchObject({ state: 'Completed' })
  expect(world.logged('warn', 'giving a slot back')).toEqual([])
})

test('a decoding that fails for a while is tried again, and does not pause the run', async () => {
  await using world = new World()
  let down = true
  const wf = await world.start((ports) =>
    simple
      .addStep('a', async () => 'b', { errBackOff: '100ms' })
      .build({
        ...ports,
        codec: {
          ...jsonCodec,
          decode: (payload, context) => {
            if (down) throw new StoreUnavailable('the key service is away')
            return jsonCodec.decode(payload, context)
          },
        },
      }),
  )
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.pass(1_000)
  down = false
  await world.pass(10_000)
  expect(await wf.lookup(runId)).toMatchObject({ state: 'Completed' })
})

test('a timeout that edits and skips does not lose the step that waits for its retry', async () => {
  await using world = new World()
  const both = workflow('both', { object: unchecked<{ seen: string[] }>(), graph: { a: { step: ['b'], timeout: ['c'] }, b: {}, c: {} } })
  let calls = 0
  const wf = await world.start((ports) =>
    both
      .addStep(
        'a',
        async () => {
          calls += 1
          if (calls === 1) throw new Error('later')
          return 'b'
        },
        { errBackOff: '20s' },
      )
      .addTimeout('a', after('10s'), async (run) => {
        run.object.seen.push('reminded')
        return run.skip()
      })
      .build({ ...ports, sweepFrequency: '1h' }),
  )
  const runId = await wf.trigger('x', { initialValue: { seen: [] } })
  await world.pass(60_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'b', object: { seen: ['reminded'] } })
})

test('callbacks that take long at one status do not hold back the steps of another', async () => {
  await using world = new World()
  const two = workflow('two', {
    object: unchecked<Thing>(),
    graph: { start: { step: ['wait', 'quick'] }, wait: { callback: ['end'] }, quick: { step: ['end'] }, end: {} },
  })
  const wf = await world.start((ports) =>
    two
      .addStep('start', async (run) => (run.object.n === 1 ? 'wait' : 'quick'), { parallelCount: 100 })
      .addStep('quick', async () => 'end')
      .addCallback('wait', async () => await new Promise<'end'>(() => undefined))
      .build({ ...ports, maxInFlight: 64 }),
  )
  const client = two.client(world.ports('client'))
  for (let i = 0; i < 200; i++) {
    const runId = await wf.trigger(`w${i}`, { initialValue: { n: 1 } })
    await world.within(wf.await(runId, 'wait'))
    await client.callback({ runId }, 'wait')
  }
  await world.pass(1_000)
  const quick = await client.trigger('quick', { initialValue: { n: 2 } })
  await world.pass(60_000)
  expect(await wf.lookup(quick)).toMatchObject({ status: 'end' })
})

test('a lag of seconds at one step does not hold back the others', async () => {
  await using world = new World()
  const two = workflow('lagging', {
    object: unchecked<Thing>(),
    graph: { start: { step: ['slow', 'quick'] }, slow: { step: ['end'] }, quick: { step: ['end'] }, end: {} },
  })
  const wf = await world.start((ports) =>
    two
      .addStep('start', async (run) => (run.object.n === 1 ? 'slow' : 'quick'), { parallelCount: 100 })
      .addStep('slow', async () => 'end', { consumeLag: '4s' })
      .addStep('quick', async () => 'end')
      .build({ ...ports, maxInFlight: 64 }),
  )
  const client = two.client(world.ports('client'))
  for (let i = 0; i < 300; i++) await client.trigger(`w${i}`, { initialValue: { n: 1 } })
  await world.pass(500)
  const quick = await client.trigger('quick', { initialValue: { n: 2 } })
  for (let i = 0; i < 6; i++) await world.pass(500)
  expect(await wf.lookup(quick)).toMatchObject({ status: 'end' })
})

test('a second callback in the back-off of the first does not make the worker spin', async () => {
  await using world = new World()
  const waits = workflow('waits', { object: unchecked<Thing>(), graph: { a: { callback: ['b'] }, b: {} } })
  let lookups = 0
  let calls = 0
  const wf = await world.start(
    (ports) =>
      waits
        .addCallback(
          'a',
          async () => {
            calls += 1
            if (calls === 1) throw new Error('no')
            return 'b'
          },
          { errBackOff: '3s' },
        )
        .build(ports),
    'a',
    {
      change: (store) => ({
        ...store,
        lookup: (runId) => {
          lookups += 1
          return store.lookup(runId)
        },
      }),
    },
  )
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.turns()
  await wf.callback({ runId }, 'a')
  await world.turns()
  await wf.callback({ runId }, 'a')
  lookups = 0
  await world.turns(50)
  expect(lookups).toBeLessThan(20)
})

test('a run that waits for its turn in the process starts no handler once its slot is gone', async () => {
  await using world = new World()
  const two = workflow('alone', { object: unchecked<Thing>(), graph: { a: { step: ['b'] }, b: {} } })
  const { solitudeOf } = await import('../../../core/src/engine/solitude.ts')
  const ports = world.ports('a')
  const started: number[] = []
  const wf = two
    .addStep(
      'a',
      async (run) => {
        started.push(run.object.n)
        return 'b'
      },
      { parallelCount: 10 },
    )
    .build(ports)
  await wf.run()
  // Somebody runs alone in the process.
  const solitude = solitudeOf(ports.recordStore)
  await solitude.enterAlone(world.clock, 60_000)
  await wf.trigger('x', { initialValue: { n: 1 } })
  await world.turns()
  let stopped = false
  void wf.stop({ timeout: '0ms' }).then(() => {
    stopped = true
  })
  await world.pass(1_000)
  solitude.leaveAlone()
  await world.pass(1_000)
  expect({ stopped, started }).toEqual({ stopped: true, started: [] })
})
