/** Stops and starts that meet something slow, silent or broken: each ends in time and leaves nothing behind. */
import { StoreUnavailable, unchecked, workflow } from '@workflow/core'
import type { Connector } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { memoryConnector } from '../../src/memory-connector.ts'
import { gate, receiving, World } from './world.ts'

interface Thing {
  readonly n: number
}

const simple = workflow('simple', { object: unchecked<Thing>(), graph: { a: { step: ['b'] }, b: {} } })
const definition = simple.addStep('a', async () => 'b')

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

test('a start that failed half-way leaves no receiver behind', async () => {
  const world = new World()
  const ports = world.ports('a')
  let fails = true
  let open = 0
  const wf = simple
    .addStep('a', async () => 'b')
    .onComplete(async () => undefined)
    .build({
      ...ports,
      eventStreamer: {
        ...ports.eventStreamer,
        newReceiver: async (options) => {
          if (fails && options.durable && options.name.includes('hook')) throw new Error('away')
          const receiver = await ports.eventStreamer.newReceiver(options)
          open += 1
          return {
            assign: (claims) => receiver.assign(claims),
            receive: (how) => receiver.receive(how),
            [Symbol.asyncDispose]: async () => {
              open -= 1
              await receiver[Symbol.asyncDispose]()
            },
          }
        },
      },
    })
  await expect(wf.run()).rejects.toThrow('away')
  expect(open).toBe(0)
  fails = false
  await wf.run()
  await world.turns()
  await world.within(wf.stop())
  expect(open).toBe(0)
})

test('a start that hangs does not hold up the stop, and what comes open later is closed', async () => {
  const world = new World()
  const ports = world.ports()
  const late = gate()
  let open = 0
  const wf = definition.build({
    ...ports,
    eventStreamer: {
      ...ports.eventStreamer,
      newReceiver: async (options) => {
        await late.promise
        const receiver = await ports.eventStreamer.newReceiver(options)
        open += 1
        return receiving(receiver, {
          [Symbol.asyncDispose]: async () => {
            open -= 1
            await receiver[Symbol.asyncDispose]()
          },
        })
      },
    },
  })
  const run = wf.run()
  run.catch(() => undefined)
  await world.turns()
  await world.within(wf.stop({ timeout: '1s' }))
  await expect(run).rejects.toMatchObject({ code: 'Stopped' })
  late.resolve()
  await world.turns()
  expect(open).toBe(0)
})

test('a layout that is never ensured does not hold up the stop', async () => {
  const world = new World()
  const ports = world.ports()
  const wf = definition.build({ ...ports, eventStreamer: { ...ports.eventStreamer, ensure: () => new Promise(() => undefined) } })
  const run = wf.run()
  run.catch(() => undefined)
  await world.turns()
  await world.within(wf.stop({ timeout: '1s' }))
  await expect(run).rejects.toMatchObject({ code: 'Stopped' })
})

test('a receiver that cannot be closed does not keep the stop from closing the rest', async () => {
  const world = new World()
  const ports = world.ports()
  const wf = definition.build({
    ...ports,
    eventStreamer: {
      ...ports.eventStreamer,
      newReceiver: async (options) => {
        const receiver = await ports.eventStreamer.newReceiver(options)
        return options.durable
          ? receiving(receiver, { [Symbol.asyncDispose]: () => Promise.reject(new Error('the socket is gone')) })
          : receiver
      },
    },
  })
  await wf.run()
  await world.within(wf.stop())
  expect(world.logged('warn', 'closing what a process had opened failed').length).toBeGreaterThan(0)
  await expect(wf.trigger('late', { initialValue: { n: 1 } })).rejects.toMatchObject({ code: 'Stopped' })
})

test('a stream of a connector that never answers does not hold up the stop, which says what it has left', async () => {
  const world = new World()
  const wf = definition
    .addConnector('in', unchecked<unknown>(), async () => undefined)
    .build({ ...world.ports(), connectors: { in: { connect: () => new Promise(() => undefined) } } })
  await wf.run()
  await world.turns()
  await world.within(wf.stop({ timeout: '1s' }))
  expect(world.logged('error', 'the stop waits no longer').map(({ fields }) => fields['processes'])).toEqual([['connector in']])
})

test('the retry of an event is let finish by a stop, and leaves nothing to do', async () => {
  await using world = new World()
  const stream = memoryConnector({ clock: world.clock })
  const again = gate()
  let calls = 0
  const wf = await world.start((ports) =>
    definition
      .addConnector(
        'in',
        unchecked<unknown>(),
        async () => {
          if (++calls === 1) throw new Error('no')
          await again.promise
        },
        { errBackOff: '1m' },
      )
      .build({ ...ports, connectors: { in: stream } }),
  )
  await world.until(() => wf.states().some(({ name, state }) => name === 'connector in' && state === 'running'))
  await world.turns()
  await stream.publish([{ key: 'k', value: 1 }])
  await world.until(() => calls === 2)
  let stopped = false
  const stop = wf.stop().then(() => {
    stopped = true
  })
  await world.pass(2_000)
  expect(stopped).toBe(false)
  again.resolve()
  await world.within(stop)
  const open = await world.ports('probe').timeoutStore.list({ workflowName: 'simple', status: 'open' }, { limit: 10 })
  expect(open.items).toEqual([])
})

test('the retry of an event is aborted together with the slot of its timer', async () => {
  await using world = new World()
  const stream = memoryConnector({ clock: world.clock })
  const reasons: unknown[] = []
  const slots: AbortController[] = []
  let calls = 0
  const wf = await world.start((ports) =>
    definition
      .addConnector(
        'in',
        unchecked<unknown>(),
        async (_event, _api, { signal }) => {
          if (++calls === 1) throw new Error('no')
          signal.addEventListener('abort', () => reasons.push(signal.reason))
          await new Promise(() => undefined)
        },
        { errBackOff: '1m' },
      )
      .build({
        ...ports,
        connectors: { in: stream },
        roleScheduler: {
          ...ports.roleScheduler,
          awaitRole: async (role, options) => {
            const lease = await ports.roleScheduler.awaitRole(role, options)
            if (role.includes('connector')) return lease
            const { signal } = slots[slots.push(new AbortController()) - 1] ?? lease
            return {
              fence: lease.fence,
              unclean: lease.unclean,
              yield: lease.yield,
              signal,
              isValid: () => !signal.aborted && lease.isValid(),
              release: () => lease.release(),
              [Symbol.asyncDispose]: () => Promise.resolve(lease[Symbol.asyncDispose]()),
            }
          },
        },
      }),
  )
  await world.until(() => wf.states().some(({ name, state }) => name === 'connector in' && state === 'running'))
  await world.turns()
  await stream.publish([{ key: 'k', value: 1 }])
  await world.until(() => calls === 2)
  for (const slot of slots.slice()) slot.abort()
  await world.turns()
  expect(reasons).toMatchObject([{ code: 'LeaseLost' }])
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
