/** How often the store is asked for due timers: when one may be due, and not because one was set for later. */
import { after, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { World } from './world.ts'

const offers = workflow('offers', {
  object: unchecked<{ ms: number }>(),
  graph: { made: { step: ['open'] }, open: { callback: ['taken'], timeout: ['expired'] }, taken: {}, expired: {} },
})
const definition = offers
  .addStep('made', async () => 'open')
  .addCallback('open', async () => 'taken')
  .addTimeout(
    'open',
    (run) => after(`${run.object.ms}ms`),
    async () => 'expired',
  )

test('timers for later, and timers that are cancelled, cost no look; a sooner one is not late', async () => {
  await using world = new World()
  let looks = 0
  const wf = await world.start((ports) => definition.build(ports), 'a', {
    change: (store) => ({
      ...store,
      timers: {
        ...store.timers,
        nextExpiry: (query) => {
          looks += 1
          return store.timers.nextExpiry(query)
        },
      },
    }),
  })
  const first = await wf.trigger('first', { initialValue: { ms: 60_000 } })
  await world.within(wf.await(first, 'open'))
  await world.pass(100)
  const before = looks
  for (let index = 0; index < 50; index++) {
    const runId = await wf.trigger(`later ${index}`, { initialValue: { ms: 3_600_000 } })
    await world.within(wf.await(runId, 'open'))
    await wf.callback({ runId }, 'open')
    await world.within(wf.awaitCompletion(runId))
  }
  expect(looks - before).toBeLessThanOrEqual(2)
  const start = world.clock.now()
  const soon = await wf.trigger('soon', { initialValue: { ms: 500 } })
  await world.within(wf.await(soon, 'expired'))
  expect(world.clock.now() - start).toBeLessThan(700)
  expect((await wf.lookup(first))?.status).toBe('open')
  await world.pass(60_000)
  expect((await wf.lookup(first))?.status).toBe('expired')
})
