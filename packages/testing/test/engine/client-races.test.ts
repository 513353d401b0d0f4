/** Interleavings around the client and what comes from elsewhere. */
import { unchecked, workflow } from '@workflow/core'
import type { RecordStore } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
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
