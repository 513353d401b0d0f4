/** A store that loses replies, is away, is busy or holds what cannot be read; a stream that loses events. */
import { after, unchecked, workflow, StoreUnavailable } from '@workflow/core'
import type { CommitResult, Delivery, EventReceiver, RecordStore, RunEvent, Unit } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type InstanceOptions, type Ports, receiving, World } from './world.ts'

type Store = RecordStore<unknown[]>

const bills = workflow('bills', {
  object: unchecked<{ readonly kind?: string; log: string[] }>(),
  graph: {
    made: { step: ['checked'] },
    checked: { callback: ['paid'], timeout: ['overdue'] },
    paid: { step: ['closed'] },
    overdue: { step: ['closed'] },
    closed: {},
  },
})
const definition = bills
  .addStep('made', async (run) => {
    run.object.log.push('made')
    return 'checked'
  })
  .addCallback('checked', async (run) => {
    run.object.log.push('checked')
    return 'paid'
  })
  .addTimeout('checked', after('1h'), async () => 'overdue')
  .addStep('paid', async (run) => {
    run.object.log.push('paid')
    return 'closed'
  })
  .addStep('overdue', async () => 'closed')

/** Every commit goes through `around`. */
function committing(around: (unit: Unit, commit: () => Promise<CommitResult>) => Promise<CommitResult>): InstanceOptions {
  return { change: (store: Store) => ({ ...store, commit: (unit, options) => around(unit, () => store.commit(unit, options)) }) }
}

async function bill(world: World, wf: ReturnType<typeof definition.build>, foreignId: string): Promise<string> {
  const runId = await world.within(wf.trigger(foreignId, { initialValue: { log: [] } }))
  await world.within(wf.await(runId, 'checked'))
  await world.within(wf.callback({ runId }, 'checked', undefined, { key: 'only' }))
  return runId
}

/** The history of a bill that was paid, once. */
const paid = ['1 made', '2 checked', '3 paid', '4 closed']

async function path(wf: ReturnType<typeof definition.build>, runId: string): Promise<readonly string[]> {
  return (await wf.history(runId)).items.map(({ version, to }) => `${version} ${to}`)
}

test('when the reply to every commit is lost once, nothing is lost and nothing doubles', async () => {
  await using world = new World()
  const lost = new Set<string>()
  const wf = await world.start(
    (ports) => definition.build(ports),
    'a',
    committing(async (unit, commit) => {
      const result = await commit()
      if (!lost.has(unit.id)) {
        lost.add(unit.id)
        throw new StoreUnavailable('the connection was reset')
      }
      return result
    }),
  )
  const ids = await Promise.all(Array.from({ length: 10 }, (_, i) => bill(world, wf, `b${i}`)))
  for (const id of ids) {
    expect((await world.within(wf.awaitCompletion(id))).object.log).toEqual(['made', 'checked', 'paid'])
    expect(await path(wf, id)).toEqual(paid)
  }
  expect((await wf.list()).items).toHaveLength(10)
})

test('when a commit fails before it writes, it is sent again and arrives', async () => {
  await using world = new World()
  let n = 0
  const wf = await world.start(
    (ports) => definition.build(ports),
    'a',
    committing(async (_unit, commit) => {
      if (++n % 3 !== 0) throw new StoreUnavailable('no route to host')
      return await commit()
    }),
  )
  const id = await bill(world, wf, 'b')
  await world.within(wf.awaitCompletion(id))
  expect(await path(wf, id)).toEqual(paid)
})

test('a store that answers busy is asked again after a while, and only for that unit', async () => {
  await using world = new World()
  let busy = 0
  const slow = new Set<string>()
  const wf = await world.start(
    (ports) => definition.build(ports),
    'a',
    committing(async (unit, commit) => {
      const foreignId = unit.changes?.[0]?.next.foreignId
      if (foreignId === 'locked' && busy++ < 20) return { ok: false, reason: 'busy' }
      slow.add(unit.id)
      return await commit()
    }),
  )
  const locked = bill(world, wf, 'locked')
  const id = await bill(world, wf, 'free')
  await world.within(wf.awaitCompletion(id))
  await world.within(wf.awaitCompletion(await locked))
  expect(await path(wf, await locked)).toEqual(paid)
})

test('a store that is away for a while: work waits for it and goes on', async () => {
  await using world = new World()
  let away = false
  const refuse = async (): Promise<void> => {
    if (away) throw new StoreUnavailable('the server is restarting')
  }
  const wf = await world.start((ports) => definition.build(ports), 'a', {
    change: (store: Store) => ({
      ...store,
      commit: async (unit, options) => {
        await refuse()
        return await store.commit(unit, options)
      },
      lookup: async (id) => {
        await refuse()
        return await store.lookup(id)
      },
      items: async (...given) => {
        await refuse()
        return await store.items(...given)
      },
      timers: {
        ...store.timers,
        due: async (...given) => {
          await refuse()
          return await store.timers.due(...given)
        },
        nextExpiry: async (query) => {
          await refuse()
          return await store.timers.nextExpiry(query)
        },
      },
    }),
  })
  const ids = await Promise.all(Array.from({ length: 5 }, (_, i) => wf.trigger(`b${i}`, { initialValue: { log: [] } })))
  away = true
  await world.pass(60_000)
  expect(wf.healthy()).toBe(true)
  await expect(world.within(wf.trigger('late', { initialValue: { log: [] } }))).rejects.toMatchObject({
    code: 'StoreUnavailable',
    retryable: true,
  })
  away = false
  await world.pass(10_000)
  for (const runId of ids) {
    await world.within(wf.callback({ runId }, 'checked'))
    await world.within(wf.awaitCompletion(runId))
    expect(await path(wf, runId)).toEqual(paid)
  }
  expect((await wf.history(ids[0] ?? '')).items.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1])
})

test.each(['always', 'at random'])('with a cache that is dropped %s everything happens all the same', async (when) => {
  await using world = new World()
  const listeners = new Set<() => void>()
  let n = 0
  const drop = (): void => {
    if (when === 'always' || ++n % 3 === 0) for (const listener of listeners) listener()
  }
  const wf = await world.start((ports) => definition.build(ports), 'a', {
    change: (store: Store) => ({
      ...store,
      onConnectionLost: (listener) => {
        listeners.add(listener)
        return {
          [Symbol.dispose]: () => {
            listeners.delete(listener)
          },
        }
      },
      commit: async (unit, options) => {
        const result = await store.commit(unit, options)
        drop()
        queueMicrotask(drop)
        return result
      },
    }),
  })
  for (let i = 0; i < 10; i++) {
    const id = await bill(world, wf, `b${i}`)
    await world.within(wf.awaitCompletion(id))
    expect(await path(wf, id)).toEqual(paid)
  }
  await world.within(wf.stop())
  expect(listeners.size).toBe(0)
})

/** A streamer whose durable receivers never see what `lose` says; the events are gone for good. */
function losing(ports: Ports, lose: (delivery: Delivery<RunEvent>) => boolean): Ports {
  const receive = (receiver: EventReceiver<RunEvent>): EventReceiver<RunEvent> =>
    receiving(receiver, {
      receive: async (options) => {
        for (;;) {
          const kept: Delivery<RunEvent>[] = []
          for (const delivery of await receiver.receive(options))
            if (lose(delivery)) await delivery.ack()
            else kept.push(delivery)
          if (kept.length > 0) return kept
        }
      },
    })
  return {
    ...ports,
    eventStreamer: {
      ...ports.eventStreamer,
      newReceiver: async (options) =>
        options.durable ? receive(await ports.eventStreamer.newReceiver(options)) : await ports.eventStreamer.newReceiver(options),
    },
  }
}

test('a run whose event was lost is found again by the sweeper, and no other is disturbed', async () => {
  await using world = new World()
  const runId = await bills.client(world.ports('client')).trigger('b', { initialValue: { log: [] } })
  let lost = 0
  const wf = await world.start((ports) =>
    definition.build(losing(ports, ({ event }) => event.kind === 'transition' && event.version === 1 && ++lost > 0)),
  )
  // What is sent in the instant in which a slot comes is not handed off, and its event is lost, too.
  await world.pass(10)
  const waits = await world.within(wf.trigger('waits', { initialValue: { log: [] }, startAt: 'checked' }))
  await world.pass(30_000)
  expect(lost).toBeGreaterThan(0)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'made' })
  await world.pass(240_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'checked' })
  expect(world.logged('warn', 'nothing has come of this run').map(({ fields }) => fields['runId'])).toEqual([runId])
  expect(await wf.lookup(waits)).toMatchObject({ version: 1 })
})

test('events that come late, twice or in disorder change nothing', async () => {
  await using world = new World()
  const seen: Delivery<RunEvent>[] = []
  const wf = await world.start((ports) =>
    definition.build({
      ...ports,
      eventStreamer: {
        ...ports.eventStreamer,
        newReceiver: async (options) => {
          const receiver = await ports.eventStreamer.newReceiver(options)
          return receiving(receiver, {
            receive: async (more) => {
              const fresh = await receiver.receive(more)
              seen.push(...fresh)
              return options.durable ? [...fresh.toReversed(), ...seen.slice(-40)] : fresh
            },
          })
        },
      },
    }),
  )
  const ids = []
  for (let i = 0; i < 10; i++) ids.push(await bill(world, wf, `b${i}`))
  for (const id of ids) {
    await world.within(wf.awaitCompletion(id))
    expect(await path(wf, id)).toEqual(paid)
  }
})

const strict = workflow('strict', { object: z.object({ n: z.number() }), graph: { a: { step: ['b'] }, b: { step: ['c'] }, c: {} } })
const lax = workflow('strict', { object: unchecked<unknown>(), graph: { a: { step: ['b'] }, b: { step: ['c'] }, c: {} } })

test('an object that no longer fits its schema pauses its run with the reason, keeps what is stored, and spares the others', async () => {
  await using world = new World()
  const old = lax.client(world.ports('old'))
  const bad = await old.trigger('bad', { initialValue: { n: 'seven' } })
  const wf = await world.start((ports) =>
    strict
      .addStep('a', async () => 'b')
      .addStep('b', async () => 'c')
      .build(ports),
  )
  await world.within(wf.awaitCompletion(await wf.trigger('good', { initialValue: { n: 7 } })))
  expect(await old.lookup(bad)).toMatchObject({ state: 'Paused', status: 'a', object: { n: 'seven' } })
  expect((await wf.explain(bad)).text).toMatch(/the stored object of run .* does not fit its schema: n:/)
})

test('bytes that cannot be read pause their run with the reason, and stay as they are', async () => {
  await using world = new World()
  const client = strict.client(world.ports('client'))
  const bad = await client.trigger('bad', { initialValue: { n: 1 } })
  const garbage = { bytes: new Uint8Array([0xff, 0xfe, 1, 2]), codec: 'json', schema: 1 }
  await world.ports('probe').recordStore.rewrite(bad, async () => garbage)
  const wf = await world.start((ports) =>
    strict
      .addStep('a', async () => 'b')
      .addStep('b', async () => 'c')
      .build(ports),
  )
  await world.within(wf.awaitCompletion(await wf.trigger('good', { initialValue: { n: 7 } })))
  const record = await world.ports('probe 2').recordStore.lookup(bad)
  expect(record).toMatchObject({ runState: 'Paused', version: 2 })
  expect([...(record?.object.bytes ?? [])]).toEqual([0xff, 0xfe, 1, 2])
  expect((await wf.explain(bad)).lastError).toMatchObject({ code: 'StoreCorrupt', message: expect.stringContaining(bad) })
  await expect(wf.lookup(bad)).rejects.toMatchObject({ code: 'StoreCorrupt' })
  await wf.cancel(bad, { reason: 'lost', actor: 'ann' })
})

test('a run of newer code is left to newer code: unchanged, and handled as soon as that is there', async () => {
  const newer = workflow('strict', {
    object: z.object({ n: z.number(), unit: z.string() }),
    schemaVersion: 2,
    upcast: (old) => ({ unit: 'cm', ...(old as object) }),
    graph: { a: { step: ['b'] }, b: { step: ['c'] }, c: {} },
  })
  await using world = new World()
  const oldCode = (ports: Ports) =>
    strict
      .addStep('a', async () => 'b')
      .addStep('b', async () => 'c')
      .build(ports)
  const a = await world.start(oldCode, 'a', { slots: 1 })
  const client = newer.client(world.ports('client', { slots: 1 }))
  const runId = await client.trigger('new', { initialValue: { n: 1, unit: 'm' } })
  await world.pass(60_000)
  expect(await client.lookup(runId)).toMatchObject({ status: 'a', state: 'Initiated', version: 1 })
  expect(world.logged('warn', 'giving a slot back').length).toBeGreaterThan(0)
  const b = await world.start(
    (ports) =>
      newer
        .addStep('a', async () => 'b')
        .addStep('b', async () => 'c')
        .build(ports),
    'b',
    { slots: 1, generation: 1 },
  )
  await world.pass(30_000)
  expect(await b.lookup(runId)).toMatchObject({ status: 'c', object: { n: 1, unit: 'm' } })
  await world.within(a.stop())
})

test('objects of older code are brought up to date when they are loaded', async () => {
  const newer = workflow('strict', {
    object: z.object({ n: z.number(), unit: z.string() }),
    schemaVersion: 2,
    upcast: (old, version) => ({ unit: `from ${version}`, ...(old as object) }),
    graph: { a: { step: ['b'] }, b: { step: ['c'] }, c: {} },
  })
  await using world = new World()
  const runId = await strict.client(world.ports('old')).trigger('o', { initialValue: { n: 1 } })
  const wf = await world.start((ports) =>
    newer
      .addStep('a', async () => 'b')
      .addStep('b', async () => 'c')
      .build(ports),
  )
  expect((await world.within(wf.awaitCompletion(runId))).object).toEqual({ n: 1, unit: 'from 1' })
})

test('a run at a status that this code does not have waits for code that has it', async () => {
  const renamed = workflow('strict', { object: unchecked<unknown>(), graph: { a: { step: ['z'] }, z: { step: ['c'] }, c: {} } })
  await using world = new World()
  const client = renamed.client(world.ports('client'))
  const runId = await client.trigger('r', { initialValue: {}, startAt: 'z' })
  const wf = await world.start((ports) =>
    lax
      .addStep('a', async () => 'b')
      .addStep('b', async () => 'c')
      .build(ports),
  )
  await world.within(wf.awaitCompletion(await wf.trigger('other', { initialValue: {} })))
  await world.pass(120_000)
  expect(await client.lookup(runId)).toMatchObject({ status: 'z', version: 1 })
  await world.within(wf.stop())
  const later = await world.start(
    (ports) =>
      renamed
        .addStep('a', async () => 'z')
        .addStep('z', async () => 'c')
        .build(ports),
    'b',
  )
  await world.pass(240_000)
  expect(await later.lookup(runId)).toMatchObject({ status: 'c' })
})
