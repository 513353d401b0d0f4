/** Events of a future that a failover has taken back. */
import { unchecked, workflow } from '@workflow/core'
import { slotOf, stateTopicOf } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { World } from './world.ts'

test('a hook is not called for a completion that the store does not know', async () => {
  await using world = new World()
  const simple = workflow('simple', { object: unchecked<{ n: number }>(), graph: { a: { callback: ['b'] }, b: {} } })
  const called: unknown[] = []
  const wf = await world.start((ports) =>
    simple
      .addCallback('a', async () => 'b')
      .onComplete(async (run) => {
        called.push([run.state, run.status])
      })
      .build(ports),
  )
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  await world.turns()
  const ports = world.ports('c')
  const record = await ports.recordStore.lookup(runId)
  // As a stream would have it that outlived a commit.
  await ports.recordStore.commit({
    id: 'ghost',
    emit: [
      {
        v: 1,
        kind: 'transition',
        workflowName: 'simple',
        foreignId: 'x',
        runId,
        version: (record?.version ?? 0) + 1,
        previousStatus: 'a',
        status: 'b',
        states: ['Completed'],
        topics: [stateTopicOf('simple', 'Completed')],
        slot: slotOf(runId, 2),
        at: new Date(world.clock.now()),
      },
    ],
  })
  await world.pass(600_000)
  expect(called).toEqual([])
})
