/** Starting runs and waiting for them: one unfinished run per foreign id, and no await that hangs, lies or leaks. */
import { isWorkflowError, unchecked, workflow } from '@workflow/core'
import { EventsLost } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, receiving, World } from './world.ts'

const trips = workflow('trips', {
  object: z.object({ to: z.string(), seats: z.number().int().positive().default(1) }),
  graph: { booked: { step: ['flown', 'lost'] }, flown: { callback: ['home'] }, home: {}, lost: {} },
})
const definition = trips
  .addStep('booked', async (run) => (run.object.to === 'nowhere' ? 'lost' : 'flown'))
  .addCallback('flown', async () => 'home')

test('a trigger answers a UUID of version 7, later ones are greater, and works before anybody runs', async () => {
  await using world = new World()
  const client = trips.client(world.ports('client'))
  const ids = []
  for (let i = 0; i < 5; i++) ids.push(await client.trigger(`t${i}`, { initialValue: { to: 'Rome' } }))
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(ids.toSorted()).toEqual(ids)
  expect(await client.lookup(ids[0] ?? '')).toMatchObject({
    state: 'Initiated',
    status: 'booked',
    version: 1,
    object: { to: 'Rome', seats: 1 },
  })
  const wf = await world.start((ports) => definition.build(ports))
  for (const id of ids) await world.within(wf.await(id, 'flown'))
})

test('of racing triggers of one foreign id exactly one wins, also over several processes, and Paused counts as unfinished', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const clients = ['x', 'y', 'z'].map((name) => trips.client(world.ports(name)))
  const results = await Promise.allSettled(
    Array.from({ length: 30 }, async (_, i) => await clients[i % 3]?.trigger('one', { initialValue: { to: 'Rome' } })),
  )
  const won = results.filter((result) => result.status === 'fulfilled')
  expect(won).toHaveLength(1)
  const runId = String(won[0]?.value)
  for (const result of results)
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'WorkflowInProgress', details: { runId } })
  await world.within(wf.await(runId, 'flown'))
  await wf.pause(runId, { reason: 'fog', actor: 'tower' })
  await expect(wf.trigger('one', { initialValue: { to: 'Rome' } })).rejects.toMatchObject({ code: 'WorkflowInProgress' })
  await wf.cancel(runId, { reason: 'storm', actor: 'tower' })
  expect(await wf.trigger('one', { initialValue: { to: 'Oslo' } })).not.toBe(runId)
})

test('the same foreign id in two workflows is two things', async () => {
  const other = workflow('other trips', { object: unchecked<{}>(), graph: { a: { step: ['b'] }, b: {} } })
  await using world = new World()
  await trips.client(world.ports('client')).trigger('one', { initialValue: { to: 'Rome' } })
  await other.client(world.ports('client 2')).trigger('one', { initialValue: {} })
})

test('metadata, the trace and the start are kept with the run', async () => {
  await using world = new World()
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const seen: unknown[] = []
  const wf = await world.start((ports) =>
    trips
      .addStep('booked', async () => 'flown')
      .addCallback('flown', async (run) => {
        seen.push(run.metadata, run.traceparent)
        return 'home'
      })
      .build(ports),
  )
  const runId = await wf.trigger('t', { initialValue: { to: 'Rome' }, startAt: 'flown', metadata: { agent: 'ann', note: '' }, traceparent })
  expect(await wf.lookup(runId)).toMatchObject({ status: 'flown', metadata: { agent: 'ann', note: '' } })
  await wf.callback({ runId }, 'flown')
  await world.within(wf.awaitCompletion(runId))
  expect(seen).toEqual([{ agent: 'ann', note: '' }, traceparent])
  expect((await wf.list({ metadata: { agent: 'ann' } })).items).toHaveLength(1)
  expect((await wf.list({ metadata: { agent: 'bob' } })).items).toHaveLength(0)
})

const refused: readonly (readonly [string, readonly unknown[], string, RegExp])[] = [
  ['an empty foreign id', ['', { initialValue: { to: 'x' } }], 'InvalidArgument', /must not be empty/],
  [
    'a foreign id of 10,000 characters',
    ['x'.repeat(10_000), { initialValue: { to: 'x' } }],
    'InvalidArgument',
    /at most 255 characters; got 10000/,
  ],
  ['a foreign id that is a number', [7, { initialValue: { to: 'x' } }], 'InvalidArgument', /must be a string; got number/],
  ['a foreign id with NUL', ['a\0b', { initialValue: { to: 'x' } }], 'InvalidArgument', /NUL/],
  ['a foreign id with half a surrogate', ['a\uD800', { initialValue: { to: 'x' } }], 'InvalidArgument', /surrogate/],
  ['no options', ['t'], 'InvalidArgument', /needs \{ initialValue \}/],
  ['an object that does not fit', ['t', { initialValue: { to: 7 } }], 'Validation', /to/],
  ['no object', ['t', {}], 'Validation', /initial value of 't'/],
  ['a start that does not exist', ['t', { initialValue: { to: 'x' }, startAt: 'nowhere' }], 'InvalidArgument', /no status 'nowhere'/],
  ['a terminal start', ['t', { initialValue: { to: 'x' }, startAt: 'home' }], 'InvalidArgument', /it is terminal/],
  ['metadata that is no text', ['t', { initialValue: { to: 'x' }, metadata: { a: 1 } }], 'InvalidArgument', /metadata 'a'/],
  ['metadata that is a list', ['t', { initialValue: { to: 'x' }, metadata: ['a'] }], 'InvalidArgument', /metadata/],
  ['a traceparent that is none', ['t', { initialValue: { to: 'x' }, traceparent: 'trace me' }], 'InvalidArgument', /traceparent/],
]

test.each(refused)('a trigger with %s is refused with the reason, and starts nothing', async (_what, given, code, message) => {
  await using world = new World()
  const client = trips.client(world.ports('client'))
  const loose = client as unknown as { trigger: (...given: readonly unknown[]) => Promise<string> }
  const error = await loose.trigger(...given).catch((thrown: unknown) => thrown)
  expect(isWorkflowError(error) ? error.code : error).toBe(code)
  expect((error as Error).message).toMatch(message)
  expect((error as Error).message.length).toBeLessThan(500)
  expect((await client.list()).items).toEqual([])
})

test('a trigger without an initial value says so where the contract has no schema to miss it', async () => {
  await using world = new World()
  const contract = workflow('loose', { object: unchecked<{ to: string }>(), graph: { a: { step: ['b'] }, b: {} } })
  // What JavaScript may pass: the object itself in place of the options.
  const client = contract.client(world.ports('client')) as unknown as { trigger: (foreignId: string, options: object) => Promise<string> }
  await expect(client.trigger('t', { to: 'Rome' })).rejects.toThrow("trigger('t') of workflow 'loose' needs { initialValue }")
})

const unstorable: readonly (readonly [string, () => unknown, string, RegExp])[] = [
  ['a BigInt', () => ({ a: { b: 10n } }), 'NotSerializable', /'a\.b' is a BigInt.*store it as a string/],
  [
    'a cycle',
    () => {
      const o: { me?: unknown } = {}
      o.me = o
      return o
    },
    'NotSerializable',
    /contains itself/,
  ],
  ['undefined', () => undefined, 'NotSerializable', /undefined/],
  ['undefined in a list', () => ({ list: [1, undefined] }), 'NotSerializable', /'list\[1\]' is undefined/],
  ['a function', () => ({ f: () => 1 }), 'NotSerializable', /'f' is a function/],
  ['a symbol', () => ({ s: Symbol('s') }), 'NotSerializable', /'s' is a symbol/],
  ['a Date without a schema', () => ({ at: new Date() }), 'NotSerializable', /'at' is a Date.*ISO text/],
  ['an invalid Date', () => ({ at: new Date(Number.NaN) }), 'NotSerializable', /Date/],
  ['a Map', () => ({ m: new Map() }), 'NotSerializable', /'m' is a Map.*array of its entries/],
  ['a Set', () => ({ m: new Set() }), 'NotSerializable', /'m' is a Set/],
  ['bytes', () => ({ b: new Uint8Array(3) }), 'NotSerializable', /base64/],
  ['an instance of a class', () => ({ u: new URLSearchParams() }), 'NotSerializable', /'u' is an instance of URLSearchParams/],
  ['NaN', () => ({ n: Number.NaN }), 'NotSerializable', /'n' is NaN/],
  ['Infinity', () => ({ n: -Infinity }), 'NotSerializable', /-Infinity/],
  ['something over the size limit', () => ({ text: 'x'.repeat(1_048_577) }), 'ObjectTooLarge', /maxObjectBytes is 1048576/],
]

test.each(unstorable)(
  'an object with %s is refused at the trigger, and pauses its run in a step, with the place in the message',
  async (_what, make, code, message) => {
    const loose = workflow('loose', { object: unchecked<unknown>(), graph: { a: { step: ['b'] }, b: {} } })
    await using world = new World()
    const wf = await world.start((ports) =>
      loose
        .addStep('a', async (run) => {
          run.object = make()
          return 'b'
        })
        .build(ports),
    )
    await expect(wf.trigger('x', { initialValue: make() })).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    const runId = await wf.trigger('x', { initialValue: { fine: true } })
    await world.until(async () => (await wf.lookup(runId))?.state === 'Paused')
    expect(await wf.lookup(runId)).toMatchObject({ status: 'a', object: { fine: true } })
    expect((await wf.explain(runId)).lastError).toMatchObject({ code, message: expect.stringMatching(message) })
  },
)

test('await answers the run as it was at the status, also when that was long ago', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const runId = await wf.trigger('t', { initialValue: { to: 'Rome' } })
  expect(await world.within(wf.await(runId, 'flown'))).toMatchObject({ status: 'flown', version: 2 })
  await wf.callback({ runId }, 'flown')
  await world.within(wf.awaitCompletion(runId))
  expect(await world.within(wf.await(runId, ['booked']))).toMatchObject({ status: 'booked', version: 1 })
  expect(await world.within(wf.await(runId, 'flown'))).toMatchObject({ status: 'flown', version: 2 })
  expect(await world.within(wf.awaitCompletion(runId))).toMatchObject({ status: 'home', state: 'Completed' })
})

test('await rejects when the run ends elsewhere, is cancelled, is unknown, or is asked for nothing', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const lost = await wf.trigger('lost', { initialValue: { to: 'nowhere' } })
  await expect(world.within(wf.await(lost, ['flown', 'home']))).rejects.toMatchObject({ code: 'RunFinished', details: { status: 'lost' } })
  expect(await world.within(wf.awaitCompletion(lost))).toMatchObject({ status: 'lost' })
  const cancelled = await wf.trigger('cancelled', { initialValue: { to: 'Rome' } })
  const waiting = [world.within(wf.await(cancelled, 'home')), world.within(wf.awaitCompletion(cancelled))]
  await world.turns()
  await wf.cancel(cancelled, { reason: 'no', actor: 'ann' })
  for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'RunFinished' })
  await expect(world.within(wf.awaitCompletion('nobody'))).rejects.toMatchObject({ code: 'RunNotFound' })
  await expect(world.within(wf.await(cancelled, []))).rejects.toMatchObject({ code: 'InvalidArgument' })
  await expect(world.within(wf.await(cancelled, 'nowhere' as never))).rejects.toMatchObject({
    code: 'InvalidArgument',
    message: expect.stringContaining("it has 'booked'"),
  })
})

test('await ends with its signal, before or during the wait, and with its timeout, which says where the run is', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const runId = await wf.trigger('t', { initialValue: { to: 'Rome' } })
  await expect(world.within(wf.await(runId, 'home', { signal: AbortSignal.abort(new Error('too late')) }))).rejects.toThrow('too late')
  const abort = new AbortController()
  const waiting = world.within(wf.await(runId, 'home', { signal: abort.signal }))
  await world.turns()
  abort.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  const at = world.clock.now()
  await expect(world.within(wf.await(runId, 'home', { timeout: '3s' }))).rejects.toMatchObject({
    code: 'AwaitTimeout',
    retryable: true,
    message: expect.stringContaining("it is Running at 'flown'"),
  })
  expect(world.clock.now() - at).toBeLessThan(3_100)
  await expect(world.within(wf.await(runId, 'home', { timeout: 'soon' as never }))).rejects.toMatchObject({ code: 'InvalidArgument' })
})

test('a thousand awaits share one receiver, which is gone when they are', async () => {
  await using world = new World()
  const go = gate()
  let open = 0
  let most = 0
  const wf = await world.start((ports) =>
    trips
      .addStep(
        'booked',
        async () => {
          await go.promise
          return 'lost'
        },
        { parallelCount: 2_000 },
      )
      .addCallback('flown', async () => 'home')
      .build(ports),
  )
  const ports = world.ports('client')
  const client = trips.client({
    ...ports,
    eventStreamer: {
      ...ports.eventStreamer,
      newReceiver: async (options) => {
        most = Math.max(most, ++open)
        const receiver = await ports.eventStreamer.newReceiver(options)
        return receiving(receiver, {
          [Symbol.asyncDispose]: async () => {
            open -= 1
            await receiver[Symbol.asyncDispose]()
          },
        })
      },
    },
  })
  const ids = await Promise.all(Array.from({ length: 1_000 }, (_, i) => client.trigger(`t${i}`, { initialValue: { to: 'x' } })))
  const all = Promise.all(ids.map((id) => client.awaitCompletion(id)))
  await world.turns()
  go.resolve()
  await world.within(all)
  expect(most).toBe(1)
  await world.pass(5_000)
  expect(open).toBe(0)
  const receivers = await ports.eventStreamer.receivers('trips')
  expect(receivers.map(({ name }) => name)).toEqual(['trips/runs'])
  await world.within(wf.stop())
})

test('an await finds out by itself when every wake-up is lost', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const ports = world.ports('client', { awaitPollingFrequency: '5s' })
  const client = trips.client({
    ...ports,
    eventStreamer: {
      ...ports.eventStreamer,
      newReceiver: async (options) =>
        receiving(await ports.eventStreamer.newReceiver(options), {
          receive: ({ signal }) =>
            new Promise((_, reject) => {
              signal.addEventListener('abort', () => reject(signal.reason))
            }),
        }),
    },
  })
  const runId = await client.trigger('t', { initialValue: { to: 'nowhere' } })
  expect(await world.within(client.awaitCompletion(runId))).toMatchObject({ status: 'lost' })
  await world.within(wf.stop())
})

test('a run of another workflow is not found', async () => {
  const other = workflow('other', { object: unchecked<{}>(), graph: { a: { step: ['b'] }, b: {} } })
  await using world = new World()
  const runId = await other.client(world.ports('x')).trigger('o', { initialValue: {} })
  const client = trips.client(world.ports('client'))
  expect(await client.lookup(runId)).toBeUndefined()
  await expect(client.cancel(runId, { reason: 'x', actor: 'y' })).rejects.toMatchObject({
    code: 'RunNotFound',
    message: expect.stringContaining("it belongs to workflow 'other'"),
  })
  await expect(world.within(client.awaitCompletion(runId))).rejects.toMatchObject({ code: 'RunNotFound' })
})

test('an await of what this process has just triggered asks the store nothing, once it listens', async () => {
  await using world = new World()
  let lookups = 0
  const wf = await world.start((ports) => definition.build(ports), 'a', {
    change: (store) => ({
      ...store,
      lookup: (runId) => {
        lookups += 1
        return store.lookup(runId)
      },
    }),
  })
  for (const foreignId of ['first', 'second']) {
    lookups = 0
    await world.pass(10)
    const runId = await world.within(wf.trigger(foreignId, { initialValue: { to: 'Rome' } }))
    expect(await world.within(wf.await(runId, 'flown'))).toMatchObject({ status: 'flown', version: 2 })
  }
  expect(lookups).toBe(0)
})

test('an await of a run that another process has moved on meanwhile finds it at once', async () => {
  await using world = new World()
  const client = trips.client(world.ports('client'))
  await world.start((ports) => definition.build(ports))
  await world.within(client.awaitCompletion(await client.trigger('first', { initialValue: { to: 'nowhere' } })))
  await world.pass(10)
  const runId = await client.trigger('second', { initialValue: { to: 'nowhere' } })
  await world.pass(200)
  const before = world.clock.now()
  expect(await world.within(client.awaitCompletion(runId))).toMatchObject({ status: 'lost' })
  expect(world.clock.now() - before).toBeLessThan(100)
})

test('an await trusts nothing that was known before the stream has failed', async () => {
  await using world = new World()
  const ports = world.ports('client')
  const { eventStreamer } = ports
  let lost = false
  const newReceiver: typeof eventStreamer.newReceiver = async (options) => {
    const receiver = await eventStreamer.newReceiver(options)
    return receiving(receiver, {
      receive: async (how) => {
        const deliveries = await receiver.receive(how)
        if (deliveries.every(({ event }) => event.foreignId !== 'second')) return deliveries
        lost = true
        throw new EventsLost('its retention was too short')
      },
    })
  }
  const client = trips.client({ ...ports, eventStreamer: { ...eventStreamer, newReceiver } })
  await world.start((others) => definition.build(others))
  await world.within(client.awaitCompletion(await client.trigger('first', { initialValue: { to: 'nowhere' } })))
  await world.pass(10)
  const runId = await client.trigger('second', { initialValue: { to: 'nowhere' } })
  await world.until(() => lost)
  await world.turns()
  const before = world.clock.now()
  expect(await world.within(client.awaitCompletion(runId))).toMatchObject({ status: 'lost' })
  expect(world.clock.now() - before).toBeLessThan(100)
})
