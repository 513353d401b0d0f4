import { isWorkflowError, unchecked, workflow } from '@workflow/core'
import type { Unit } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { World } from './world.ts'

const orders = workflow('orders', {
  object: unchecked<{ n: number }>(),
  graph: { created: { step: ['done'] }, late: { step: ['done'] }, done: {} },
})
const definition = orders.addStep('created', async () => 'done').addStep('late', async () => 'done')

test('each run is for itself, and the results keep the order of the items', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const results = await world.within(
    wf.triggerMany([
      { foreignId: 'a', initialValue: { n: 1 } },
      { foreignId: '', initialValue: { n: 2 } },
      { foreignId: 'a', initialValue: { n: 3 } },
      // What JavaScript could pass.
      null as never,
      { foreignId: 'b', initialValue: { n: 1n as never } },
      { foreignId: 'c', initialValue: { n: 5 }, startAt: 'late', metadata: { shop: 'x' } },
    ]),
  )
  expect(results.map((result) => (result.error === undefined ? 'started' : result.error.code))).toEqual([
    'started',
    'InvalidArgument',
    'WorkflowInProgress',
    'InvalidArgument',
    'NotSerializable',
    'started',
  ])
  const first = results[0]?.runId ?? ''
  expect(results[2]?.error?.details['runId']).toBe(first)
  expect((await world.within(wf.awaitCompletion(first))).object).toEqual({ n: 1 })
  expect((await world.within(wf.awaitCompletion(results[5]?.runId ?? ''))).metadata).toEqual({ shop: 'x' })
})

test('thousands are never all in the hands of the store at once, and none is left out', async () => {
  let inHand = 0
  let most = 0
  await using world = new World()
  const ports = world.ports('a', {
    change: (store) => ({
      ...store,
      commit: async (unit: Unit) => {
        most = Math.max(most, ++inHand)
        await Promise.resolve()
        inHand -= 1
        return await store.commit(unit)
      },
    }),
  })
  const client = orders.client(ports)
  const results = await client.triggerMany(Array.from({ length: 5_000 }, (_, n) => ({ foreignId: `f${n}`, initialValue: { n } })))
  expect(new Set(results.map(({ runId }) => runId)).size).toBe(5_000)
  expect(most).toBeLessThanOrEqual(1_000)
  await client.close()
})

test('what is no list, and a client that is closed, are refused as a whole', async () => {
  await using world = new World()
  const client = orders.client(world.ports())
  await expect(client.triggerMany('a' as never)).rejects.toMatchObject({ code: 'InvalidArgument' })
  expect(await client.triggerMany([])).toEqual([])
  await client.close()
  await expect(client.triggerMany([])).rejects.toSatisfy((error) => isWorkflowError(error, 'Stopped'))
})
