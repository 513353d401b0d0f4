/** What comes of lost events and of stores that are away. */
import { after, StoreUnavailable, unchecked, workflow } from '@workflow/core'
import type { EventStreamer } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { World } from './world.ts'

interface Thing {
  readonly n: number
  seen?: number
}
const thing = { object: unchecked<Thing>() }

/** Loses whatever durable receivers are given while `lose` says so. */
function losing(streamer: EventStreamer, lose: () => boolean): EventStreamer {
  return {
    ...streamer,
    newReceiver: async (options) => {
      const receiver = await streamer.newReceiver(options)
      return {
        assign: (claims) => receiver.assign(claims),
        [Symbol.asyncDispose]: () => Promise.resolve(receiver[Symbol.asyncDispose]()),
        receive: async (how) => {
          for (;;) {
            const got = await receiver.receive(how)
            if (!options.durable || !lose()) return got
            for (const delivery of got) await delivery.ack()
          }
        },
      }
    },
  }
}

test('a step whose event was lost is found again although a timeout of days is open', async () => {
  await using world = new World()
  const both = workflow('both', { ...thing, graph: { o: { step: ['a'] }, a: { step: ['b'], timeout: ['c'] }, b: {}, c: {} } })
  let lose = false
  let ready = false
  const wf = await world.start((ports) =>
    both
      .addStep('o', async () => 'a')
      .addStep(
        'a',
        async () => {
          if (!ready) throw new Error('not yet')
          return 'b'
        },
        { errBackOff: '1s' },
      )
      .addTimeout('a', after('72h'), async () => 'c')
      .build({ ...ports, eventStreamer: losing(ports.eventStreamer, () => lose) }),
  )
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.pass(100)
  await wf.pause(runId, { reason: 'r', actor: 'a' })
  await world.pass(10_000)
  ready = true
  lose = true
  await both.client(world.ports('c')).resume(runId, { reason: 'r', actor: 'a' })
  await world.pass(1_000)
  lose = false
  await world.pass(1_200_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'b' })
})

test('a callback whose wake-up was lost is found again', async () => {
  await using world = new World()
  const waits = workflow('waits', { ...thing, graph: { a: { callback: ['b'] }, b: {} } })
  let lose = false
  const wf = await world.start((ports) =>
    waits.addCallback('a', async () => 'b').build({ ...ports, eventStreamer: losing(ports.eventStreamer, () => lose) }),
  )
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.pass(100)
  lose = true
  await waits.client(world.ports('c')).callback({ runId }, 'a')
  await world.pass(1_000)
  lose = false
  await world.pass(1_200_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'b' })
})

test('the timers of a run whose first event was lost are started', async () => {
  await using world = new World()
  const waits = workflow('waits', { ...thing, graph: { a: { timeout: ['b'] }, b: {} } })
  let lose = true
  const wf = await world.start((ports) =>
    waits.addTimeout('a', after('10s'), async () => 'b').build({ ...ports, eventStreamer: losing(ports.eventStreamer, () => lose) }),
  )
  const runId = await waits.client(world.ports('c')).trigger('x', { initialValue: { n: 1 } })
  await world.pass(1_000)
  lose = false
  await world.pass(1_200_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'b' })
})

test('a callback to a store that is away is given up like a trigger', async () => {
  await using world = new World()
  const waits = workflow('waits', { ...thing, graph: { a: { callback: ['b'] }, b: {} } })
  const wf = await world.start((ports) => waits.addCallback('a', async () => 'b').build(ports))
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.turns()
  const client = waits.client(
    world.ports('c', { change: (store) => ({ ...store, commit: () => Promise.reject(new StoreUnavailable('away')) }) }),
  )
  let outcome: unknown
  client.callback({ runId }, 'a').catch((error: unknown) => {
    outcome = error
  })
  await world.pass(60_000)
  expect(outcome).toMatchObject({ code: 'StoreUnavailable' })
})

test('a step that skipped is not run again because a callback edits and skips', async () => {
  await using world = new World()
  const both = workflow('both', { ...thing, graph: { a: { step: ['b'], callback: ['b'] }, b: {} } })
  let steps = 0
  const wf = await world.start((ports) =>
    both
      .addStep('a', async (run) => {
        steps += 1
        return run.skip()
      })
      .addCallback('a', async (run) => {
        run.object.seen = 1
        return run.skip()
      })
      .build(ports),
  )
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.turns()
  await wf.callback({ runId }, 'a')
  await world.pass(10_000)
  expect(await wf.lookup(runId)).toMatchObject({ object: { seen: 1 } })
  expect(steps).toBe(1)
})
