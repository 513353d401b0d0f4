/** Where counting begins anew, and what ends a back-off early. */
import { after, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { World } from './world.ts'

const tasks = workflow('tasks', {
  object: unchecked<{ readonly bad?: boolean; n?: number }>(),
  graph: { first: { step: ['second'] }, second: { step: ['done'] }, done: {} },
})

test('counts belong to a stay: a step that came through begins anew at the next', async () => {
  const loop = workflow('loop', { object: unchecked<{ rounds: number }>(), graph: { here: { step: ['here', 'out'] }, out: {} } })
  await using world = new World()
  const attempts: number[] = []
  const wf = await world.start((ports) =>
    loop
      .addStep(
        'here',
        async (run) => {
          attempts.push(run.attempt)
          if (attempts.length % 2 === 1) throw new Error('odd')
          return ++run.object.rounds < 3 ? 'here' : 'out'
        },
        { errBackOff: '1s', pauseAfterErrCount: 2 },
      )
      .build(ports),
  )
  await world.within(wf.awaitCompletion(await wf.trigger('l', { initialValue: { rounds: 0 } })))
  expect(attempts).toEqual([1, 2, 1, 2, 1, 2])
})

test("a resume by a person ends a long wait, and a back-off of the user's that makes no sense is not the end", async () => {
  await using world = new World()
  let calls = 0
  const wf = await world.start((ports) =>
    tasks
      .addStep(
        'first',
        async () => {
          if (++calls === 1) throw new Error('wait')
          return 'second'
        },
        { errBackOff: () => after('10h') },
      )
      .addStep(
        'second',
        async () => {
          if (++calls === 3) throw new Error('odd')
          return 'done'
        },
        { errBackOff: (() => 'tomorrow') as never },
      )
      .build(ports),
  )
  const runId = await wf.trigger('t', { initialValue: {} })
  await world.pass(60_000)
  expect(calls).toBe(1)
  await wf.pause(runId, { reason: 'look', actor: 'ann' })
  await wf.resume(runId, { reason: 'now', actor: 'ann' })
  await world.within(wf.awaitCompletion(runId))
  expect(calls).toBe(4)
})
