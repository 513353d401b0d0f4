/** What the sweeper finds, and whom it leaves in peace. */
import { after, unchecked, workflow } from '@workflow/core'
import { type Delivery, type RecordStore, type RunEvent, StoreCorrupt, StoreUnavailable } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { type InstanceOptions, type Ports, receiving, World } from './world.ts'

type Store = RecordStore<unknown[]>
const thing = { object: unchecked<{ readonly n?: number }>() }
const hour = 3_600_000

/** Acknowledges the events to lose, and hands on the others. */
function losing(ports: Ports, lose: (event: RunEvent) => boolean): Ports {
  const { eventStreamer } = ports
  return {
    ...ports,
    eventStreamer: {
      ...eventStreamer,
      newReceiver: async (options) => {
        const receiver = await eventStreamer.newReceiver(options)
        if (!options.durable) return receiver
        return receiving(receiver, {
          receive: async (how) => {
            for (;;) {
              const kept: Delivery<RunEvent>[] = []
              for (const delivery of await receiver.receive(how))
                if (lose(delivery.event)) await delivery.ack()
                else kept.push(delivery)
              if (kept.length > 0) return kept
            }
          },
        })
      },
    },
  }
}

/** Notes the runs whose events were sent again. */
function noting(sent: string[]): InstanceOptions {
  return {
    change: (store: Store) => ({
      ...store,
      commit: (unit, options) => {
        for (const event of unit.emit ?? []) if (event.kind === 'reemit') sent.push(event.runId)
        return store.commit(unit, options)
      },
    }),
  }
}

test('a run that waits for good reason is left in peace, however long it waits', async () => {
  await using world = new World()
  const parts = workflow('parts', { ...thing, graph: { cut: { callback: ['ready'] }, ready: {} } })
  const all = workflow('all', {
    ...thing,
    graph: {
      start: { step: ['retries', 'skips', 'joins', 'later'] },
      retries: { step: ['end'], timeout: ['end'] },
      skips: { step: ['end'], callback: ['end'] },
      joins: { join: ['end'] },
      later: { timeout: ['end'] },
      called: { callback: ['end'], timeout: ['end'] },
      end: {},
    },
    children: { joins: parts },
  })
  const sent: string[] = []
  const places = ['retries', 'skips', 'joins', 'later'] as const
  const wf = await world.start(
    (ports) =>
      all
        .addStep('start', async (run) => {
          const to = places[run.object.n ?? 0] ?? 'later'
          if (to === 'joins') run.startChild(parts, 'child', { initialValue: {} })
          return to
        })
        .addStep(
          'retries',
          async () => {
            throw new Error('later')
          },
          { errBackOff: '6h' },
        )
        .addTimeout('retries', after('72h'), async () => 'end')
        .addStep('skips', async (run) => run.skip())
        .addCallback('skips', async () => 'end')
        .addJoin('joins', async () => 'end')
        .addTimeout('later', after('72h'), async () => 'end')
        .addCallback('called', async () => 'end')
        .addTimeout('called', after('72h'), async () => 'end', { name: 'last' })
        .addTimeout('called', after('10s'), async (run) => run.skip(), { name: 'reminder' })
        .build(ports),
    'a',
    noting(sent),
  )
  for (let n = 0; n < places.length; n++) await wf.trigger(`x${n}`, { initialValue: { n } })
  await wf.trigger('called', { initialValue: {}, startAt: 'called' })
  await world.pass(hour)
  expect((await wf.list()).items.map(({ status }) => status).toReversed()).toEqual([...places, 'called'])
  expect(sent).toEqual([])
})

test('a timer function that says that there is no timer is asked once more, and that is all', async () => {
  await using world = new World()
  const waits = workflow('waits', { ...thing, graph: { a: { callback: ['b'], timeout: ['b'] }, b: {} } })
  let asked = 0
  const sent: string[] = []
  const wf = await world.start(
    (ports) =>
      waits
        .addCallback('a', async () => 'b')
        .addTimeout(
          'a',
          async () => {
            asked += 1
            return undefined
          },
          async () => 'b',
        )
        .build(ports),
    'a',
    noting(sent),
  )
  const runId = await wf.trigger('x', { initialValue: {} })
  await world.pass(hour)
  expect(sent).toEqual([runId])
  expect(asked).toBeLessThanOrEqual(3)
  expect(world.logged('warn', 'nothing has come of this run')).toEqual([])
})

test('a join whose last child could not wake it is found again', async () => {
  await using world = new World()
  const parts = workflow('parts', { ...thing, graph: { cut: { callback: ['ready'] }, ready: {} } })
  const cars = workflow('cars', {
    ...thing,
    graph: { ordered: { step: ['building'] }, building: { join: ['built'] }, built: {} },
    children: { building: parts },
  })
  const small = await world.start((ports) => parts.addCallback('cut', async () => 'ready').build(ports), 'parts')
  const wf = await world.start(
    (ports) =>
      cars
        .addStep('ordered', async (run) => {
          run.startChild(parts, 'part', { initialValue: {} })
          return 'building'
        })
        .addJoin('building', async () => 'built')
        .build(losing(ports, ({ kind }) => kind === 'wake')),
    'cars',
  )
  const runId = await wf.trigger('car', { initialValue: {} })
  await world.within(wf.await(runId, 'building'))
  await world.pass(hour / 2)
  expect(world.logged('warn', 'nothing has come of this run')).toEqual([])
  await small.callback({ foreignId: 'part' }, 'cut')
  await world.pass(240_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'built' })
})

const simple = workflow('simple', { ...thing, graph: { a: { step: ['b'] }, b: {} } })

test('an event that is lost again and again is sent ever more rarely', async () => {
  await using world = new World()
  const sent: string[] = []
  let lose = true
  const wf = await world.start((ports) => simple.addStep('a', async () => 'b').build(losing(ports, () => lose)), 'a', noting(sent))
  const runId = await simple.client(world.ports('client')).trigger('x', { initialValue: {} })
  await world.pass(6 * hour)
  expect(sent.length).toBeGreaterThan(4)
  expect(sent.length).toBeLessThan(16)
  lose = false
  await world.pass(2 * hour)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'b' })
})

test('a run that cannot be read does not keep others from being found', async () => {
  await using world = new World()
  const client = simple.client(world.ports('client'))
  const broken = await client.trigger('broken', { initialValue: {} })
  const good = await client.trigger('good', { initialValue: {} })
  let lose = true
  const wf = await world.start((ports) => simple.addStep('a', async () => 'b').build(losing(ports, () => lose)), 'a', {
    change: (store: Store) => ({
      ...store,
      lookup: async (runId) => {
        if (runId === broken) throw new StoreCorrupt('nonsense')
        return await store.lookup(runId)
      },
    }),
  })
  await world.pass(1_000)
  lose = false
  await world.pass(240_000)
  expect(await wf.lookup(good)).toMatchObject({ status: 'b' })
  expect(world.logged('error', 'a run could not be looked at; the sweep goes on').map(({ fields }) => fields['runId'])).toContain(broken)
})

test('a sweep that the store interrupts takes the same page again', async () => {
  await using world = new World()
  const runId = await simple.client(world.ports('client')).trigger('x', { initialValue: {} })
  let lose = true
  let away = 0
  const wf = await world.start((ports) => simple.addStep('a', async () => 'b').build(losing(ports, () => lose)), 'a', {
    change: (store: Store) => ({
      ...store,
      lookup: async (id) => {
        if (!lose && ++away === 1) throw new StoreUnavailable('away')
        return await store.lookup(id)
      },
    }),
  })
  await world.pass(1_000)
  lose = false
  await world.pass(240_000)
  expect(world.logged('error', 'the sweep failed')).toHaveLength(1)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'b' })
})

test('a callback whose event is on its way is not taken for a forgotten one, and one whose event is lost is found', async () => {
  await using world = new World()
  const waits = workflow('waits', { ...thing, graph: { a: { callback: ['b'] }, b: {} } })
  const sent: string[] = []
  let lose = false
  const slow = (ports: Ports): Ports => {
    const { eventStreamer } = losing(ports, ({ kind }) => lose && kind === 'wake')
    const newReceiver: typeof eventStreamer.newReceiver = async (options) => {
      const receiver = await eventStreamer.newReceiver(options)
      if (!options.durable) return receiver
      return receiving(receiver, {
        receive: async (how) => {
          const deliveries = await receiver.receive(how)
          await new Promise<void>((resolve) => ports.clock.setTimer(20_000, resolve))
          return deliveries
        },
      })
    }
    return { ...ports, eventStreamer: { ...eventStreamer, newReceiver } }
  }
  const wf = await world.start((ports) => waits.addCallback('a', async () => 'b').build(slow(ports)), 'a', noting(sent))
  const runIds = await Promise.all(Array.from({ length: 7 }, (_, n) => wf.trigger(`x${n}`, { initialValue: {} })))
  await world.pass(hour)
  // Sweeps come once a minute: one of these falls between a callback and its event.
  for (const runId of runIds.slice(0, 6)) {
    await wf.callback({ runId }, 'a')
    await world.pass(15_000)
  }
  await world.pass(hour)
  expect(sent).toEqual([])
  expect((await wf.list({ status: 'b' })).items).toHaveLength(6)
  lose = true
  const last = runIds.at(-1) ?? ''
  await wf.callback({ runId: last }, 'a')
  await world.pass(240_000)
  expect(sent).toEqual([last])
  expect(await wf.lookup(last)).toMatchObject({ status: 'b' })
})

test('of more callbacks than the sweeper can remember every one that is lost is found', { timeout: 60_000 }, async () => {
  await using world = new World()
  const waits = workflow('waits', { ...thing, graph: { a: { callback: ['b'] }, b: {} } })
  let lose = true
  const handled = new Set<string>()
  const answered = waits.addCallback('a', async (run) => {
    handled.add(run.runId)
    return 'b'
  })
  const wf = await world.start((ports) => answered.build(losing(ports, ({ kind }) => lose && kind === 'wake')), 'a')
  const count = 10_300
  const runIds = await Promise.all(Array.from({ length: count }, (_, n) => wf.trigger(`x${n}`, { initialValue: {} })))
  await world.pass(10_000)
  for (const runId of runIds) await wf.callback({ runId }, 'a')
  await world.pass(10_000)
  expect(handled.size).toBe(0)
  lose = false
  // Two rounds of 400 a minute.
  await world.pass(70 * 60_000)
  expect(handled.size).toBe(count)
})

test('runs of a status that this code does not have are told of, once for each status', async () => {
  await using world = new World()
  const one = workflow('shared', { ...thing, graph: { a: { step: ['b'] }, b: {} } }).addStep('a', async () => 'b')
  const two = workflow('shared', { ...thing, graph: { x: { step: ['y'] }, y: {} } }).addStep('x', async () => 'y')
  const first = await world.start((ports) => one.build(ports), 'a')
  // A service of another graph under the same name, none of whose workers is up.
  const second = two.build(world.ports('b'))
  const runIds = [await second.trigger('1', { initialValue: {} }), await second.trigger('2', { initialValue: {} })]
  await first.trigger('3', { initialValue: {} })
  await world.pass(2 * hour)
  const told = world.logged('warn', 'runs stand at a status that the graph of this code does not have')
  expect(told).toHaveLength(1)
  expect(told[0]?.fields).toMatchObject({ workflow: 'shared', process: 'sweeper', status: 'x', runId: expect.toBeOneOf(runIds) })
})
