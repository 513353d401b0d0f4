import { expect, test } from 'vitest'
import { DefinitionBuilder } from './definition-builder.ts'
import { isWorkflowError } from './errors.ts'
import type { HandlerInfo } from './interception.ts'
import { after, unchecked, workflow } from './index.ts'
import { memory } from './memory/index.ts'

const parcels = workflow('parcel', { object: unchecked<{ id: string }>(), graph: { sent: { callback: ['arrived'] }, arrived: {} } })
const orders = workflow('orders', {
  object: unchecked<{ total: number }>(),
  graph: {
    created: { step: ['waiting', 'shipping'] },
    waiting: { callback: ['shipping'], timeout: ['expired'] },
    shipping: { join: ['done'] },
    done: {},
    expired: {},
  },
  children: { shipping: parcels },
})

test('every function of a definition is told once, with its place', () => {
  const told: HandlerInfo[] = []
  orders
    .addStep('created', async () => 'waiting')
    .addCallback('waiting', async () => 'shipping')
    .addCallback('waiting', async () => 'shipping')
    .addTimeout('waiting', after('1h'), async () => 'expired')
    .addTimeout(
      'waiting',
      () => undefined,
      async () => 'expired',
      { name: 'late' },
    )
    .addJoin('shipping', async () => 'done')
    .addConnector('carrier', unchecked<string>(), async () => undefined)
    .onComplete(async () => undefined)
    .onComplete(async () => undefined)
    .customDelete(async (object) => object)
    .intercept((info, handler) => {
      told.push(info)
      return handler
    })
  const own = { workflowName: 'orders' }
  expect(told).toHaveLength(11)
  expect(told).toEqual(
    expect.arrayContaining([
      { ...own, kind: 'step', status: 'created', place: 0 },
      { ...own, kind: 'callback', status: 'waiting', place: 0 },
      { ...own, kind: 'callback', status: 'waiting', place: 1 },
      { ...own, kind: 'timeout', status: 'waiting', name: 'timeout', place: 0 },
      { ...own, kind: 'timer', status: 'waiting', name: 'late', place: 0 },
      { ...own, kind: 'timeout', status: 'waiting', name: 'late', place: 0 },
      { ...own, kind: 'join', status: 'shipping', place: 0 },
      { ...own, kind: 'connector', name: 'carrier', place: 0 },
      { ...own, kind: 'hook', name: 'complete', place: 0 },
      { ...own, kind: 'hook', name: 'complete', place: 1 },
      { ...own, kind: 'customDelete', place: 0 },
    ]),
  )
})

test('what an interceptor returns is what the engine calls, the later one outside; the definition before is as it was', async () => {
  const said: string[] = []
  const around = (name: string) => (_info: HandlerInfo, handler: (...given: readonly unknown[]) => unknown) => {
    return async (...given: readonly unknown[]) => {
      said.push(`${name} in`)
      const to = await handler(...given)
      said.push(`${name} out`)
      return to
    }
  }
  const plain = workflow('plain', { object: unchecked<{}>(), graph: { begun: { step: ['done', 'lost'] }, done: {}, lost: {} } }).addStep(
    'begun',
    async (run) => {
      said.push(run.status)
      return 'done'
    },
  )
  const definition = plain
    .intercept(around('inner'))
    .intercept(around('outer'))
    .intercept(
      (_info, handler) =>
        async (...given) =>
          (await handler(...given)) === 'done' ? 'lost' : 'done',
    )
  expect(DefinitionBuilder.modelOf(definition)).not.toBe(DefinitionBuilder.modelOf(plain))
  await using app = definition.build(memory())
  await app.run()
  const run = await app.awaitCompletion(await app.trigger('a', { initialValue: {} }))
  expect(run.status).toBe('lost')
  expect(said).toEqual(['outer in', 'inner in', 'begun', 'inner out', 'outer out'])
})

test('what is no function is refused by name', () => {
  const definition = orders.addStep('created', async () => 'waiting')
  const refused = (work: () => unknown): string => {
    try {
      work()
    } catch (error) {
      if (isWorkflowError(error, 'Configuration')) return error.message
    }
    return 'nothing was refused'
  }
  expect(refused(() => definition.intercept('trace' as never))).toBe('workflow \'orders\': intercept must be a function; got "trace"')
  expect(refused(() => definition.intercept(() => undefined as never))).toBe(
    "workflow 'orders': intercept: what it returns for each handler must be a function; got undefined",
  )
})
