/** Timers that somebody else needs, that are left open, or that stand in each other's way. */
import { after, unchecked, workflow } from '@workflow/core'
import { jsonCodec, type Connector, Shredded } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { World } from './world.ts'

interface Thing {
  readonly n: number
}
const thing = { object: unchecked<Thing>() }

test('an instance of other code does not cancel a timeout that it does not know', async () => {
  await using world = new World()
  const offers = workflow('offers', { ...thing, graph: { open: { timeout: ['expired'] }, expired: {} } })
  const newer = offers
    .addTimeout('open', after('1h'), async () => 'expired', { name: 'last' })
    .addTimeout('open', after('10s'), async () => 'expired', { name: 'early' })
  const older = offers.addTimeout('open', after('1h'), async () => 'expired', { name: 'last' })
  const first = newer.build(world.ports('a'))
  await first.run()
  const runId = await first.trigger('x', { initialValue: { n: 1 } })
  await world.pass(1_000)
  await world.within(first.stop())
  const second = older.build(world.ports('b'))
  await second.run()
  await world.pass(20_000)
  await world.within(second.stop())
  const third = await world.start((ports) => newer.build(ports), 'c')
  await world.pass(60_000)
  expect(await third.lookup(runId)).toMatchObject({ status: 'expired' })
})

test('an instance without the connector does not drop an event that waits for its retry', async () => {
  await using world = new World()
  const base = workflow('plain', { ...thing, graph: { a: { step: ['b'] }, b: {} } }).addStep('a', async () => 'b')
  let fails = true
  let handled = 0
  const withConnector = base.addConnector(
    'in',
    z.object({ n: z.number() }),
    async () => {
      if (fails) throw new Error('no')
      handled += 1
    },
    { errBackOff: '20s' },
  )
  const first = withConnector.build({ ...world.ports('a'), connectors: { in: once() } })
  await first.run()
  await world.pass(2_000)
  await world.within(first.stop())
  const second = base.build(world.ports('b'))
  await second.run()
  await world.pass(30_000)
  await world.within(second.stop())
  fails = false
  await world.start((ports) => withConnector.build({ ...ports, connectors: { in: once(0) } }), 'c')
  await world.pass(60_000)
  expect(handled).toBe(1)
})

test('a retry timer whose work was done is not left open', async () => {
  await using world = new World()
  const offers = workflow('offers', { ...thing, graph: { open: { callback: ['taken'], timeout: ['expired'] }, taken: {}, expired: {} } })
  let calls = 0
  const wf = await world.start((ports) =>
    offers
      .addCallback('open', async () => 'taken')
      .addTimeout(
        'open',
        async () => {
          if (++calls === 1) throw new Error('later')
          return after('24h')
        },
        async () => 'expired',
        { errBackOff: '20s' },
      )
      .build(ports),
  )
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.pass(60_000)
  const open = await world.ports('probe').timeoutStore.list({ owner: runId, status: 'open' }, { limit: 10 })
  expect(open.items.map((timer) => timer.key.kind)).toEqual(['timeout'])
})

test('a timer function that failed at the start holds no callback back', async () => {
  await using world = new World()
  const offers = workflow('offers', { ...thing, graph: { open: { callback: ['taken'], timeout: ['expired'] }, taken: {}, expired: {} } })
  const wf = await world.start((ports) =>
    offers
      .addCallback('open', async () => 'taken')
      .addTimeout(
        'open',
        async () => {
          throw new Error('later')
        },
        async () => 'expired',
        { errBackOff: '1h' },
      )
      .build(ports),
  )
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.pass(1_000)
  await wf.callback({ runId }, 'open')
  await world.pass(60_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'taken' })
})

test('timeouts that wait for their turn do not hold back the timers of others', async () => {
  await using world = new World()
  const offers = workflow('offers', {
    ...thing,
    graph: { route: { step: ['slow', 'quick'] }, slow: { timeout: ['end'] }, quick: { timeout: ['end'] }, end: {} },
  })
  const wf = await world.start((ports) =>
    offers
      .addStep('route', async (run) => (run.object.n === 1 ? 'slow' : 'quick'), { parallelCount: 100 })
      .addTimeout('slow', after('10s'), async () => await new Promise<'end'>(() => undefined))
      .addTimeout('quick', after('20s'), async () => 'end')
      .build(ports),
  )
  for (let i = 0; i < 300; i++) await wf.trigger(`s${i}`, { initialValue: { n: 1 } })
  const quick = await wf.trigger('q', { initialValue: { n: 2 } })
  await world.pass(60_000)
  expect(await wf.lookup(quick)).toMatchObject({ status: 'end' })
})

test('a run whose key is forgotten does not make lists unreadable', async () => {
  await using world = new World()
  const simple = workflow('simple', { ...thing, graph: { a: { callback: ['b'] }, b: {} } })
  let forgotten = false
  const wf = await world.start((ports) =>
    simple
      .addCallback('a', async () => 'b')
      .build({
        ...ports,
        codec: {
          ...jsonCodec,
          decode: (payload, context) =>
            forgotten && context.foreignId === 'x' ? new Shredded('the key is forgotten') : jsonCodec.decode(payload, context),
        },
      }),
  )
  await wf.trigger('x', { initialValue: { n: 1 } })
  await wf.trigger('y', { initialValue: { n: 2 } })
  forgotten = true
  expect((await wf.list()).items.map((run) => run.foreignId).sort()).toEqual(['x', 'y'])
})

test('a run that was looked at while the lease looked expired is not forgotten', async () => {
  await using world = new World()
  const simple = workflow('simple', { ...thing, graph: { a: { step: ['b'] }, b: {} } })
  let doubtful = false
  const wf = await world.start((ports) =>
    simple
      .addStep('a', async () => 'b')
      .build({
        ...ports,
        roleScheduler: {
          ...ports.roleScheduler,
          awaitRole: async (role, options) => {
            const lease = await ports.roleScheduler.awaitRole(role, options)
            return {
              fence: lease.fence,
              unclean: lease.unclean,
              yield: lease.yield,
              signal: lease.signal,
              isValid: () => !doubtful && lease.isValid(),
              release: () => lease.release(),
              [Symbol.asyncDispose]: () => Promise.resolve(lease[Symbol.asyncDispose]()),
            }
          },
        },
      }),
  )
  doubtful = true
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.turns()
  doubtful = false
  await world.pass(600_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'b' })
})

/** A foreign stream of one event, or of none. */
function once(count = 1): Connector {
  return {
    connect: async () => {
      let sent = false
      return {
        assign: async () => undefined,
        [Symbol.asyncDispose]: async () => undefined,
        receive: async ({ signal }) => {
          if (sent || count === 0)
            return await new Promise((_resolve, reject) => {
              if (signal.aborted) reject(signal.reason)
              signal.addEventListener('abort', () => reject(signal.reason), { once: true })
            })
          sent = true
          return [
            {
              event: { id: 'e', key: 'k', value: { n: 1 }, at: new Date(0), headers: {} },
              topic: 'in',
              slot: 0,
              redelivered: false,
              ack: async () => undefined,
            },
          ]
        },
      }
    },
  }
}
