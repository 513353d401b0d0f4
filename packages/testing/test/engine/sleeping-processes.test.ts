/** A process that sleeps is not a process that dies. */
import { unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { World } from './world.ts'

test('a run that is in hand while its machine sleeps, again and again, is not suspected of killing its process', async () => {
  await using world = new World()
  const simple = workflow('simple', { object: unchecked<{ n: number }>(), graph: { a: { step: ['b'] }, b: {} } })
  let starts = 0
  let ends = false
  const wf = await world.start((ports) =>
    simple
      .addStep(
        'a',
        async () => {
          starts += 1
          if (!ends) await new Promise(() => undefined)
          return 'b'
        },
        { deadline: '24h' },
      )
      .build({ ...ports, sweepFrequency: '24h' }),
  )
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  for (let sleeps = 0; sleeps < 8; sleeps++) {
    await world.until(async () => starts > sleeps || (await wf.lookup(runId))?.state === 'Paused')
    ends = sleeps === 7
    world.clock.jump('wall', 60_000)
    await world.pass(5_000)
  }
  await world.pass(120_000)
  expect(await wf.lookup(runId)).toMatchObject({ state: 'Completed' })
})
