/** The user's functions beside the handlers: one that never settles once is no end. */
import { after, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { gate, World } from './world.ts'

const thing = { object: unchecked<{ n: number }>() }
const never = (): Promise<never> => new Promise(() => undefined)

test('a scrubber that never settles is given up at its deadline and tried again', async () => {
  await using world = new World()
  const simple = workflow('simple', { ...thing, graph: { a: { step: ['b'] }, b: {} } })
  let calls = 0
  const wf = await world.start((ports) =>
    simple
      .addStep('a', async () => 'b')
      .customDelete(async () => {
        calls += 1
        return calls === 1 ? await never() : { n: 0 }
      })
      .build(ports),
  )
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.until(async () => (await wf.lookup(runId))?.state === 'Completed')
  await wf.deleteData(runId, { reason: 'r', actor: 'a' })
  await world.pass(4 * 3_600_000)
  expect(await wf.lookup(runId)).toMatchObject({ state: 'DataDeleted' })
})

test.each(['at the start', 'on the way'])('a timer function that never settles %s is given up and tried again', async (where) => {
  await using world = new World()
  const waits = workflow('waits', { ...thing, graph: { o: { step: ['a'] }, a: { timeout: ['b'] }, b: {} } })
  let calls = 0
  const wf = await world.start((ports) =>
    waits
      .addStep('o', async () => 'a')
      .addTimeout(
        'a',
        async () => {
          calls += 1
          if (calls === 1) await never()
          return after('1s')
        },
        async () => 'b',
      )
      .build(ports),
  )
  const runId = await wf.trigger('x', { initialValue: { n: 1 }, ...(where === 'at the start' ? { startAt: 'a' } : {}) })
  await world.pass(4 * 3_600_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'b' })
})

test('a filter of a schedule that never settles is asked again', async () => {
  await using world = new World()
  const simple = workflow('simple', { ...thing, graph: { a: { step: ['b'] }, b: {} } })
  let calls = 0
  const wf = await world.start((ports) => simple.addStep('a', async () => 'b').build(ports))
  await wf.schedule('daily', '@hourly', {
    initialValue: { n: 1 },
    filter: async () => {
      calls += 1
      return calls === 1 ? await never() : true
    },
  })
  await world.pass(6 * 3_600_000)
  expect((await wf.list()).items.length).toBeGreaterThan(0)
})

test('after a stop a schedule whose filter was at work starts no run', async () => {
  await using world = new World()
  const simple = workflow('simple', { ...thing, graph: { a: { step: ['b'] }, b: {} } })
  const asked = gate()
  const answer = gate<boolean>()
  let commits = 0
  let stopped = false
  const wf = await world.start((ports) => simple.addStep('a', async () => 'b').build(ports), 'a', {
    change: (store) => ({
      ...store,
      commit: (unit, options) => {
        if (stopped) commits += 1
        return store.commit(unit, options)
      },
    }),
  })
  await wf.schedule('daily', '@every 10s', {
    initialValue: { n: 1 },
    filter: async () => {
      asked.resolve()
      return await answer.promise
    },
  })
  await world.within(asked.promise)
  await world.within(wf.stop({ timeout: '1s' }))
  stopped = true
  answer.resolve(true)
  await world.pass(60_000)
  expect(commits).toBe(0)
})
