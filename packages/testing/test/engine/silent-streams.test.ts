/** A stream that does not answer: who waits for it has a limit, or a stop. */
import { StoreUnavailable, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { World } from './world.ts'

const simple = workflow('simple', { object: unchecked<{ n: number }>(), graph: { a: { callback: ['b'] }, b: {} } })
const definition = simple.addCallback('a', async () => 'b')

test('a stop does not wait for the receiver of an await that never opens', async () => {
  await using world = new World()
  const ports = world.ports('a')
  const wf = definition.build({
    ...ports,
    eventStreamer: {
      ...ports.eventStreamer,
      newReceiver: (options) => (options.durable ? ports.eventStreamer.newReceiver(options) : new Promise(() => undefined)),
    },
  })
  await wf.run()
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  const waiting = wf.await(runId, 'b').catch((error: unknown) => error)
  await world.turns()
  let stopped = false
  void wf.stop({ timeout: '1s' }).then(() => {
    stopped = true
  })
  await world.pass(60_000)
  expect(stopped).toBe(true)
  expect(await world.within(waiting)).toMatchObject({ code: 'Stopped' })
})

test.each(['open', 'answer', 'close'])('a stop does not wait for the receiver of an await that does not %s', async (what) => {
  await using world = new World()
  const ports = world.ports('a')
  const wf = definition.build({
    ...ports,
    eventStreamer: {
      ...ports.eventStreamer,
      newReceiver: async (options) => {
        const receiver = await ports.eventStreamer.newReceiver(options)
        if (options.durable) return receiver
        if (what === 'open') return await new Promise(() => undefined)
        return {
          assign: (claims) => receiver.assign(claims),
          receive: (how) => (what === 'answer' ? new Promise(() => undefined) : receiver.receive(how)),
          [Symbol.asyncDispose]: () => (what === 'close' ? new Promise(() => undefined) : receiver[Symbol.asyncDispose]()),
        }
      },
    },
  })
  await wf.run()
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  wf.await(runId, 'b').catch(() => undefined)
  await world.turns()
  let stopped = false
  void wf.stop({ timeout: '1s' }).then(() => {
    stopped = true
  })
  await world.pass(60_000)
  expect(stopped).toBe(true)
})

test.each(['its timeout', 'its signal'])('an await ends with %s although the stream does not answer', async (what) => {
  await using world = new World()
  const ports = world.ports('a')
  const client = simple.client({
    ...ports,
    eventStreamer: { ...ports.eventStreamer, newReceiver: () => new Promise(() => undefined) },
  })
  const runId = await client.trigger('x', { initialValue: { n: 1 } })
  const controller = new AbortController()
  let ended: unknown
  client.await(runId, 'b', { timeout: '5s', ...(what === 'its signal' ? { signal: controller.signal } : {}) }).catch((error: unknown) => {
    ended = error
  })
  await world.turns()
  if (what === 'its signal') controller.abort(new Error('enough'))
  await world.pass(what === 'its signal' ? 100 : 60_000)
  expect(ended).toBeDefined()
})

test('an await ends with its timeout although the store does not answer', async () => {
  await using world = new World()
  let silent = false
  const client = simple.client(
    world.ports('a', {
      change: (store) => ({ ...store, lookup: (runId) => (silent ? new Promise(() => undefined) : store.lookup(runId)) }),
    }),
  )
  const runId = await client.trigger('x', { initialValue: { n: 1 } })
  silent = true
  let ended: unknown
  client.await(runId, 'b', { timeout: '5s' }).catch((error: unknown) => {
    ended = error
  })
  await world.pass(120_000)
  expect(ended).toBeDefined()
})

test('a caller does not wait for ever for a stream whose layout is never ensured', async () => {
  await using world = new World()
  const ports = world.ports('a')
  const client = simple.client({
    ...ports,
    eventStreamer: { ...ports.eventStreamer, ensure: () => new Promise(() => undefined) },
  })
  const ended: unknown[] = []
  client.trigger('x', { initialValue: { n: 1 } }).catch((error: unknown) => ended.push(error))
  // Who only reads needs no stream.
  expect(await client.lookup('y')).toBeUndefined()
  expect((await client.list()).items).toEqual([])
  await world.pass(120_000)
  expect(ended.length).toBe(1)
})

test('a worker that is at work triggers while its stream is away; a client that begins then is told what is away', async () => {
  await using world = new World()
  const ports = world.ports('a')
  let away = false
  const eventStreamer = {
    ...ports.eventStreamer,
    ensure: (layout: Parameters<typeof ports.eventStreamer.ensure>[0]) =>
      away ? new Promise<void>(() => undefined) : ports.eventStreamer.ensure(layout),
  }
  const wf = await world.start(() => definition.build({ ...ports, eventStreamer }))
  away = true
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await wf.callback({ runId }, 'a')
  await world.until(async () => (await wf.lookup(runId))?.state === 'Completed')
  const client = simple.client({ ...world.ports('b'), eventStreamer })
  await expect(world.within(client.trigger('y', { initialValue: { n: 1 } }))).rejects.toMatchObject({
    code: 'StoreUnavailable',
    message: expect.stringMatching(/^the stream did not answer within 10000 ms/),
  })
})

test.each(['says nothing', 'fails'])('explain tells what the store knows where the stream or the scheduler %s', async (what) => {
  await using world = new World()
  const ports = world.ports('a')
  const answer = (): Promise<never> =>
    what === 'fails' ? Promise.reject(new StoreUnavailable('the test has taken it away')) : new Promise<never>(() => undefined)
  const client = definition.build({
    ...ports,
    eventStreamer: { ...ports.eventStreamer, receivers: answer },
    roleScheduler: { ...ports.roleScheduler, holders: answer },
  })
  const runId = await client.trigger('x', { initialValue: { n: 1 } })
  const explanation = await world.within(client.explain(runId))
  expect(explanation).toMatchObject({ status: 'a', state: 'Initiated', waitsFor: [{ kind: 'callback' }] })
  expect(explanation).not.toHaveProperty('holder')
  expect(explanation).not.toHaveProperty('lag')
  expect(explanation.text).toContain('the role scheduler does not answer')
  expect(explanation.text).toContain('the stream does not answer')
  expect(explanation.text).not.toContain('No instance')
})
