/** Interleavings around the client, the stop and what comes from elsewhere. */
import { unchecked, workflow } from '@workflow/core'
import type { Connector, RecordStore } from '@workflow/core/adapter'
import { StoreUnavailable } from '@workflow/core'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, World } from './world.ts'

interface Thing {
  readonly n: number
}

const simple = workflow('simple', { object: unchecked<Thing>(), graph: { a: { step: ['b'] }, b: {} } })
const waits = workflow('waits', { object: unchecked<Thing>(), graph: { a: { callback: ['b'] }, b: {} } })

test('a person who pauses a run that the engine has paused keeps it paused', async () => {
  await using world = new World()
  const wf = await world.start((ports) =>
    simple
      .addStep(
        'a',
        async () => {
          throw new Error('no')
        },
        { pauseAfterErrCount: 1 },
      )
      .build(ports),
  )
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.pass(1_000)
  expect(await wf.lookup(runId)).toMatchObject({ state: 'Paused' })
  await wf.pause(runId, { reason: 'hands off', actor: 'ann' })
  const before = (await wf.lookup(runId))?.version
  await world.pass(2 * 3_600_000)
  expect((await wf.lookup(runId))?.version).toBe(before)
})

test('a caller does not wait for a store that never answers', async () => {
  await using world = new World()
  const silent = new Promise<never>(() => undefined)
  const client = simple.client({
    ...world.ports('c', { change: (store: RecordStore<unknown[]>) => ({ ...store, commit: () => silent }) }),
    storeTimeout: '2s',
  })
  let outcome: unknown
  client.trigger('x', { initialValue: { n: 1 } }).catch((error: unknown) => {
    outcome = error
  })
  await world.pass(60_000)
  expect(outcome).toMatchObject({ code: 'StoreUnavailable' })
})

test('a callback that was handled between two reads is not called refused', async () => {
  await using world = new World()
  const wf = await world.start((ports) => waits.addCallback('a', async () => 'b').build(ports))
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.turns()
  const held = gate()
  let armed = true
  const client = waits.client(
    world.ports('c', {
      change: (store: RecordStore<unknown[]>) => ({
        ...store,
        items: async (...of) => {
          const page = await store.items(...of)
          if (armed && page.items.length > 0) {
            armed = false
            await held.promise
          }
          return page
        },
      }),
    }),
  )
  const answer = client.callback({ runId }, 'a', undefined, { wait: true })
  answer.catch(() => undefined)
  await world.turns()
  held.resolve()
  expect(await world.within(answer)).toMatchObject({ status: 'b' })
})

test('stop ends in time however many connector events wait for their turn', async () => {
  const world = new World()
  let started = 0
  const wf = simple
    .addStep('a', async () => 'b')
    .addConnector('in', z.object({ n: z.number() }), async () => {
      started += 1
      await new Promise(() => undefined)
    })
    .build({ ...world.ports('a'), connectors: { in: fake(3) } })
  await wf.run()
  await world.turns()
  expect(started).toBe(1)
  let stopped = false
  void wf.stop({ timeout: '1s' }).then(() => {
    stopped = true
  })
  await world.pass(20_000)
  expect({ stopped, started }).toEqual({ stopped: true, started: 1 })
})

/** A foreign stream of so many events. */
function fake(count: number): Connector {
  return {
    connect: async () => {
      let sent = false
      return {
        assign: async () => undefined,
        [Symbol.asyncDispose]: async () => undefined,
        receive: async ({ signal }) => {
          if (sent)
            return await new Promise((_resolve, reject) => {
              signal.addEventListener('abort', () => reject(signal.reason), { once: true })
              if (signal.aborted) reject(signal.reason)
            })
          sent = true
          return Array.from({ length: count }, (_, i) => ({
            event: { id: `e${i}`, key: `k${i}`, value: { n: i }, at: new Date(0), headers: {} },
            topic: 'in',
            slot: 0,
            redelivered: false,
            ack: async () => undefined,
          }))
        },
      }
    },
  }
}

test('after a stop whose limit is over no hook begins', async () => {
  const world = new World()
  let started = 0
  const wf = simple
    .addStep('a', async () => 'b', { parallelCount: 10 })
    .onComplete(async () => {
      started += 1
      await new Promise(() => undefined)
    })
    .build(world.ports('a'))
  await wf.run()
  for (let i = 0; i < 3; i++) await wf.trigger(`x${i}`, { initialValue: { n: i } })
  await world.turns()
  const before = started
  let stopped = false
  void wf.stop({ timeout: '1s' }).then(() => {
    stopped = true
  })
  await world.pass(20_000)
  expect({ stopped, started }).toEqual({ stopped: true, started: before })
})

test('a request to delete data whose event was lost is found again', async () => {
  await using world = new World()
  let lose = true
  const wf = await world.start((ports) =>
    simple
      .addStep('a', async () => 'b')
      .build({
        ...ports,
        eventStreamer: {
          ...ports.eventStreamer,
          newReceiver: async (options) => {
            const receiver = await ports.eventStreamer.newReceiver(options)
            return {
              assign: (claims) => receiver.assign(claims),
              [Symbol.asyncDispose]: () => Promise.resolve(receiver[Symbol.asyncDispose]()),
              receive: async (how) => {
                for (;;) {
                  const kept = []
                  for (const delivery of await receiver.receive(how)) {
                    if (lose && options.durable && delivery.topic.includes('RequestedDataDeleted')) await delivery.ack()
                    else kept.push(delivery)
                  }
                  if (kept.length > 0) return kept
                }
              },
            }
          },
        },
      }),
  )
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.within(wf.awaitCompletion(runId))
  await wf.deleteData(runId, { reason: 'asked', actor: 'ann' })
  await world.pass(1_000)
  lose = false
  await world.pass(600_000)
  expect(await wf.lookup(runId)).toMatchObject({ state: 'DataDeleted' })
})

test('stop ends although the store is away while the sweeper writes', async () => {
  const world = new World()
  let away = false
  let lose = true
  const ports = world.ports('a', {
    sweepFrequency: '10s',
    change: (store) => ({
      ...store,
      commit: (unit, options) => (away ? Promise.reject(new StoreUnavailable('away')) : store.commit(unit, options)),
    }),
  })
  const wf = simple
    .addStep('a', async () => 'b')
    .build({
      ...ports,
      eventStreamer: {
        ...ports.eventStreamer,
        newReceiver: async (options) => {
          const receiver = await ports.eventStreamer.newReceiver(options)
          return {
            assign: (claims) => receiver.assign(claims),
            [Symbol.asyncDispose]: () => Promise.resolve(receiver[Symbol.asyncDispose]()),
            receive: async (how) => {
              for (;;) {
                const got = await receiver.receive(how)
                if (!lose) return got
                for (const delivery of got) await delivery.ack()
              }
            },
          }
        },
      },
    })
  const client = simple.client(world.ports('c'))
  await wf.run()
  await client.trigger('x', { initialValue: { n: 1 } })
  await world.pass(1_000)
  away = true
  lose = false
  await world.pass(120_000)
  let stopped = false
  void wf.stop({ timeout: '1s' }).then(() => {
    stopped = true
  })
  await world.pass(60_000)
  expect(world.logged('warn', 'the outcome of a commit is unknown').length).toBeGreaterThan(0)
  expect(stopped).toBe(true)
})

test('stop ends in time although the store does not answer', async () => {
  const world = new World()
  let silent = false
  const wf = simple
    .addStep('a', async () => 'b')
    .build(
      world.ports('a', {
        sweepFrequency: '2s',
        change: (store) => ({ ...store, list: (...query) => (silent ? new Promise(() => undefined) : store.list(...query)) }),
      }),
    )
  await wf.run()
  await world.pass(1_000)
  silent = true
  await world.pass(10_000)
  let stopped = false
  void wf.stop({ timeout: '1s' }).then(() => {
    stopped = true
  })
  await world.pass(20_000)
  expect(stopped).toBe(true)
})
