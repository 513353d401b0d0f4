/** Connectors: a foreign stream in order per key, each event acting once, poison left behind. */
import { unchecked, workflow } from '@workflow/core'
import { jsonCodec } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { memoryConnector, type MemoryConnector } from '../../src/memory-connector.ts'
import { gate, type Ports, World } from './world.ts'

const parcels = workflow('parcels', {
  object: unchecked<{ scans: string[] }>(),
  graph: { moving: { callback: ['delivered'] }, delivered: {} },
  payloads: { moving: z.string() },
})
const Scan = z.object({ parcel: z.string(), at: z.string() })
const base = parcels.addCallback('moving', async (run, at) => {
  run.object.scans.push(at)
  return at === 'home' ? 'delivered' : run.skip()
})

/** Starts a run for the first scan of a parcel, calls it back for the others. */
const following = base.addConnector('scans', Scan, async ({ data }, api) => {
  if (data.at === 'depot') await api.trigger(data.parcel, { initialValue: { scans: [] } })
  else await api.callback({ foreignId: data.parcel }, 'moving', data.at, { queue: true })
})

function scan(parcel: string, at: string, id?: string): { key: string; value: unknown; id?: string } {
  return { key: parcel, value: { parcel, at }, ...(id === undefined ? {} : { id }) }
}

/** The stream has a holder once a connector runs: events from before it are not its. */
async function connected<W extends { states(): readonly { name: string; state: string }[] }>(
  world: World,
  wf: W,
  name = 'connector scans',
): Promise<W> {
  await world.until(() => wf.states().some((each) => each.name === name && each.state === 'running'))
  await world.turns()
  return wf
}

test('events trigger and call back, in order per key', async () => {
  await using world = new World()
  const scans = memoryConnector({ clock: world.clock })
  const wf = await connected(
    world,
    await world.start((ports) => following.build({ ...ports, connectors: { scans }, defaults: { parallelCount: 10 } })),
  )
  const parcelsOf = Array.from({ length: 20 }, (_, i) => `p${i}`)
  await scans.publish(['depot', 'van', 'door', 'home'].flatMap((at) => parcelsOf.map((parcel) => scan(parcel, at))))
  await world.until(async () => (await wf.list({ state: 'Completed' })).items.length === 20)
  for (const { object } of (await wf.list()).items) expect(object?.scans).toEqual(['van', 'door', 'home'])
})

test('a new connector begins where it is told to, and later goes on where it was', async () => {
  await using world = new World()
  const scans = memoryConnector({ clock: world.clock })
  await scans.publish([scan('first', 'depot')])
  await world.pass(1_000)
  const between = new Date(world.clock.now())
  await scans.publish([scan('second', 'depot')])
  const reading = (name: string, from?: 'earliest' | 'latest' | Date): Promise<readonly string[]> => {
    const contract = workflow(name, { object: unchecked<object>(), graph: { begun: { callback: ['done'] }, done: {} } })
    const seen: string[] = []
    const connector = contract
      .addCallback('begun', async () => 'done')
      .addConnector('scans', Scan, async ({ data }) => void seen.push(data.parcel), from === undefined ? {} : { from })
    return world
      .start((ports) => connector.build({ ...ports, connectors: { scans } }), name)
      .then(async (wf) => {
        await connected(world, wf)
        await wf.stop()
        await scans.publish([scan(`after ${name}`, 'depot')])
        await connected(world, await world.start((ports) => connector.build({ ...ports, connectors: { scans } }), `${name} again`))
        await world.until(() => seen.includes(`after ${name}`))
        return seen
      })
  }
  expect(await reading('all', 'earliest')).toEqual(['first', 'second', 'after all'])
  expect(await reading('some', between)).toEqual(['second', 'after all', 'after some'])
  expect(await reading('new')).toEqual(['after new'])
  for (const from of ['oldest', 5, new Date(Number.NaN)])
    expect(() => parcels.addConnector('scans', Scan, async () => undefined, { from } as never)).toThrow(
      /addConnector\('scans'\): from must be/,
    )
})

test('an event that comes twice, or is handled twice because a process died, acts once', async () => {
  await using world = new World()
  const scans = memoryConnector({ clock: world.clock })
  let deliveries = 0
  const reached = gate()
  const worker = (die: boolean) => (ports: Ports) =>
    base
      .addConnector('scans', Scan, async ({ data }, api) => {
        deliveries += 1
        if (data.at === 'depot') await api.trigger(data.parcel, { initialValue: { scans: [] } })
        else await api.callback({ foreignId: data.parcel }, 'moving', data.at, { queue: true })
        if (die) {
          reached.resolve()
          await new Promise(() => undefined)
        }
      })
      .build({ ...ports, connectors: { scans } })
  await connected(world, await world.start(worker(true)))
  await scans.publish([scan('p', 'depot', 'e1')])
  await world.within(reached.promise)
  world.kill('a')
  const b = await world.start(worker(false), 'b')
  await scans.publish([scan('p', 'van', 'e2'), scan('p', 'van', 'e2'), scan('p', 'depot', 'e1')])
  await world.until(() => deliveries >= 5)
  await world.pass(5_000)
  const { items } = await b.list()
  expect(items).toHaveLength(1)
  expect(items[0]?.object?.scans).toEqual(['van'])
})

test('an event that does not fit its schema is skipped aloud, and holds nobody up', async () => {
  await using world = new World()
  const scans = memoryConnector({ clock: world.clock })
  const wf = await connected(world, await world.start((ports) => following.build({ ...ports, connectors: { scans } })))
  await scans.publish([{ key: 'p', value: { parcel: 7 }, id: 'broken' }, { key: 'p', value: null }, scan('p', 'depot')])
  await world.until(async () => (await wf.list()).items.length === 1)
  expect(world.logged('error', 'skipping an event').map(({ fields }) => fields)).toMatchObject([
    { workflow: 'parcels', process: 'connector scans', eventId: 'broken' },
    {},
  ])
})

test('a schema that never answers for an event is asked again after the deadline', async () => {
  await using world = new World()
  const scans = memoryConnector({ clock: world.clock })
  let asked = 0
  const slow = Scan.refine(async () => {
    asked += 1
    if (asked === 1) await new Promise(() => undefined)
    return true
  })
  const handled: string[] = []
  await connected(
    world,
    await world.start((ports) =>
      base
        .addConnector('scans', slow, async ({ data }) => {
          handled.push(data.parcel)
        })
        .build({ ...ports, connectors: { scans }, defaults: { deadline: '10s', errBackOff: '1s' } }),
    ),
  )
  await scans.publish([scan('p', 'depot')])
  await world.until(() => handled.length === 1)
  expect(handled).toEqual(['p'])
})

test.each([
  ['in place', '1s', 'scans'],
  ['by a timer', '1m', 'scans'],
  ['by a timer, under a name with a slash', '1m', 'depot/scans'],
] as const)('a handler that fails is tried again %s, and others do not wait for it', async (_how, errBackOff, name) => {
  await using world = new World()
  const stream: MemoryConnector = memoryConnector({ clock: world.clock })
  const handled: string[] = []
  const attempts: unknown[] = []
  const build = (ports: Ports) =>
    base
      .addConnector(
        name,
        Scan,
        async ({ data, id, createdAt }) => {
          if (data.parcel === 'bad') attempts.push([id, createdAt.toISOString()])
          if (data.parcel === 'bad' && attempts.length < 4) throw new Error('depot is closed')
          handled.push(data.parcel)
        },
        { errBackOff },
      )
      .build({ ...ports, connectors: { [name]: stream } as never })
  await connected(world, await world.start(build), `connector ${name}`)
  await stream.publish([scan('bad', 'depot', 'b1'), scan('good', 'depot')])
  await world.until(() => handled.includes('good'))
  expect(handled).toEqual(['good'])
  await world.pass(200_000)
  expect(handled).toEqual(['good', 'bad'])
  expect(new Set(attempts.map(String)).size).toBe(1)
})

test('a retry that waits in a timer survives a crash', async () => {
  await using world = new World()
  const scans = memoryConnector({ clock: world.clock })
  let fail = true
  let handled = 0
  const worker = (ports: Ports) =>
    base
      .addConnector(
        'scans',
        Scan,
        async () => {
          if (fail) throw new Error('no')
          handled += 1
        },
        { errBackOff: '1m' },
      )
      .build({ ...ports, connectors: { scans } })
  await connected(world, await world.start(worker))
  await scans.publish([scan('p', 'depot')])
  await world.until(() => world.logged('warn', 'a connector failed').length === 1)
  await world.turns()
  world.kill('a')
  fail = false
  await world.start(worker, 'b')
  await world.pass(120_000)
  expect(handled).toBe(1)
})

test('one instance reads at a time; another takes over when it stops', async () => {
  await using world = new World()
  const scans = memoryConnector({ clock: world.clock })
  const by: string[] = []
  const worker = (name: string) => (ports: Ports) =>
    base
      .addConnector('scans', Scan, async () => {
        by.push(name)
      })
      .build({ ...ports, connectors: { scans } })
  const a = await connected(world, await world.start(worker('a'), 'a'))
  await world.start(worker('b'), 'b')
  await scans.publish([scan('p', '1'), scan('p', '2')])
  await world.until(() => by.length === 2)
  await world.within(a.stop())
  await scans.publish([scan('p', '3')])
  await world.until(() => by.length === 3)
  expect(by).toEqual(['a', 'a', 'b'])
})

test('a stream that cannot be reached at first is tried again', async () => {
  await using world = new World()
  const scans = memoryConnector({ clock: world.clock })
  let tries = 0
  const wf = await world.start((ports) =>
    following.build({
      ...ports,
      connectors: {
        scans: {
          connect: async (options) => {
            if (++tries < 3) throw new Error('no route')
            return await scans.connect(options)
          },
        },
      },
    }),
  )
  await world.until(() => tries === 3)
  await connected(world, wf)
  await scans.publish([scan('p', 'depot')])
  await world.until(async () => (await wf.list()).items.length === 1)
  expect(world.logged('error', 'the connector failed')).toHaveLength(2)
  expect(wf.healthy()).toBe(true)
})

test('an event whose retry cannot be stored waits for it in place', async () => {
  await using world = new World()
  const scans = memoryConnector({ clock: world.clock })
  let calls = 0
  const wf = await world.start((ports) =>
    base
      .addConnector(
        'scans',
        Scan,
        async () => {
          if (++calls < 3) throw new Error('no')
        },
        { errBackOff: '20s' },
      )
      .build({
        ...ports,
        connectors: { scans },
        codec: {
          ...jsonCodec,
          encode: (value, schema, context) => {
            if (context.kind === 'timer') throw new Error('the key service is away')
            return jsonCodec.encode(value, schema, context)
          },
        },
      }),
  )
  await connected(world, wf)
  await scans.publish([scan('p', 'depot')])
  await world.pass(60_000)
  expect(calls).toBe(3)
  expect(world.logged('error', 'could not be left to a timer').length).toBe(2)
})

test('a stream that goes to another instance does not wait for the events that wait for their turn', async () => {
  await using world = new World()
  const scans = memoryConnector({ clock: world.clock })
  const first = gate()
  const by: string[] = []
  const worker = (name: string) => (ports: Ports) =>
    base
      .addConnector('scans', Scan, async ({ data }) => {
        by.push(`${name} ${data.parcel}`)
        if (by.length === 1) await first.promise
      })
      .build({ ...ports, connectors: { scans } })
  const a = await connected(world, await world.start(worker('a'), 'a'))
  await world.start(worker('b'), 'b')
  await scans.publish([scan('p', '1'), scan('q', '1'), scan('r', '1')])
  await world.until(() => by.length === 1)
  const stop = a.stop()
  first.resolve()
  await world.within(stop)
  await world.until(() => by.length === 3)
  expect(by).toEqual(['a p', 'b q', 'b r'])
})

test('a stream that is asked for by another instance does not wait for the turn of its events behind a retry', async () => {
  await using world = new World()
  const scans = memoryConnector({ clock: world.clock })
  const move = new AbortController()
  const by: string[] = []
  const worker = (name: string) => (ports: Ports) =>
    base
      .addConnector(
        'scans',
        Scan,
        async ({ data }) => {
          by.push(`${name} ${data.parcel}`)
          if (by.length === 1) throw new Error('no')
          if (data.parcel === 'p') await new Promise(() => undefined)
        },
        { errBackOff: '20s' },
      )
      .build({
        ...ports,
        connectors: { scans },
        roleScheduler: {
          ...ports.roleScheduler,
          awaitRole: async (role, options) => {
            const lease = await ports.roleScheduler.awaitRole(role, options)
            if (name !== 'a' || !role.includes('connector') || move.signal.aborted) return lease
            return {
              fence: lease.fence,
              unclean: lease.unclean,
              yield: move.signal,
              signal: lease.signal,
              isValid: () => lease.isValid(),
              release: () => lease.release(),
              [Symbol.asyncDispose]: () => Promise.resolve(lease[Symbol.asyncDispose]()),
            }
          },
        },
      })
  await connected(world, await world.start(worker('a'), 'a'))
  await world.start(worker('b'), 'b')
  await scans.publish([scan('p', '1')])
  await world.until(() => by.length === 2)
  await scans.publish([scan('q', '1')])
  await world.turns()
  move.abort()
  await world.until(() => by.length === 3)
  expect(by).toEqual(['a p', 'a p', 'b q'])
})
