/** What a move of the version does to a wait that is only a timer. */
import { after, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { World } from './world.ts'

const thing = { object: unchecked<{ n: number }>() }

test('a timeout that edits and skips does not lose the step that waits out its consumeLag', async () => {
  await using world = new World()
  const both = workflow('both', { ...thing, graph: { a: { step: ['b'], timeout: ['c'] }, b: {}, c: {} } })
  let steppedAt = 0
  const wf = await world.start((ports) =>
    both
      .addStep(
        'a',
        async () => {
          steppedAt = world.clock.monotonic()
          return 'b'
        },
        { consumeLag: '60s' },
      )
      .addTimeout('a', after('30s'), async (run) => {
        run.object.n += 1
        return run.skip()
      })
      .build({ ...ports, sweepFrequency: '24h' }),
  )
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.pass(3_600_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'b', object: { n: 2 } })
  // Sixty seconds after the edit at the latest.
  expect(steppedAt).toBeLessThan(92_000)
})

test('a wall clock that jumps forward makes timers due', async () => {
  await using world = new World()
  const waits = workflow('waits', { ...thing, graph: { a: { timeout: ['b'] }, b: {} } })
  const wf = await world.start((ports) => waits.addTimeout('a', after('10h'), async () => 'b').build(ports))
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.pass(1_000)
  world.clock.jump('wall', 10 * 3_600_000)
  await world.pass(600_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'b' })
})
