import { expect, test } from 'vitest'
import { DefinitionBuilder } from './definition-builder.ts'
import { isWorkflowError } from './errors.ts'
import { after, unchecked, workflow } from './index.ts'
import { memory } from './memory/index.ts'
import type { DefinitionModel } from './model/definition.ts'

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
  payloads: { waiting: unchecked<{ ok: boolean }>() },
  children: { shipping: parcels },
})
const modelOf = (definition: unknown): DefinitionModel => DefinitionBuilder.modelOf(definition)

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (isWorkflowError(error, 'Configuration')) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

test('a builder is never changed: every call makes a new one on the same contract', () => {
  const left = orders.addStep('created', async () => 'waiting')
  const right = orders.addStep('created', async () => 'shipping')
  expect(modelOf(orders).steps.size).toBe(0)
  expect(modelOf(left).steps.get('created')).not.toBe(modelOf(right).steps.get('created'))
  expect(left.contract).toBe(orders)
  expect(orders.contract).toBe(orders)
})

test('callbacks, timeouts and hooks keep the order in which they were added', () => {
  const [first, second] = [async () => 'shipping' as const, async () => 'shipping' as const]
  const [early, late] = [async () => undefined, async () => undefined]
  const model = modelOf(
    orders
      .addCallback('waiting', first)
      .addCallback('waiting', second)
      .addTimeout('waiting', after('2h'), async () => 'expired', { name: 'b' })
      .addTimeout(
        'waiting',
        () => undefined,
        async () => 'expired',
        { name: 'a', parallelCount: 2 },
      )
      .addTimeout('waiting', after('1h'), async () => 'expired')
      .onPause(early)
      .onPause(late),
  )
  expect(model.callbacks.get('waiting')?.map(({ handler }) => handler)).toEqual([first, second])
  expect(model.timeouts.get('waiting')?.map(({ name, options }) => [name, options])).toEqual([
    ['b', {}],
    ['a', { parallelCount: 2 }],
    ['timeout', {}],
  ])
  expect(model.hooks.pause.map(({ handler }) => handler)).toEqual([early, late])
  expect(model.hooks).toMatchObject({ cancel: [], complete: [], dataDeleted: [] })
})

test('parts come together with all that they have', () => {
  const scrub = async (): Promise<{ total: number }> => ({ total: 0 })
  const entry = orders
    .addStep('created', async () => 'waiting')
    .onCancel(async () => undefined)
    .onComplete(async () => undefined)
  const wait = orders
    .addCallback('waiting', async () => 'shipping')
    .addTimeout('waiting', after('1h'), async () => 'expired')
    .addConnector('scans', unchecked<unknown>(), async () => undefined)
    .onComplete(async () => undefined)
    .onDataDeleted(async () => undefined)
    .customDelete(scrub)
  const rest = orders.transactional<{ readonly query: string }>().addJoin('shipping', async () => 'done')
  const model = modelOf(entry.include(wait).include(rest))
  expect([
    ...model.steps.keys(),
    ...model.callbacks.keys(),
    ...model.timeouts.keys(),
    ...model.joins.keys(),
    ...model.connectors.keys(),
  ]).toEqual(['created', 'waiting', 'waiting', 'shipping', 'scans'])
  expect(Object.values(model.hooks).map((hooks) => hooks.length)).toEqual([0, 1, 2, 1])
  expect(model).toMatchObject({ transactional: true, customDelete: scrub })
  expect(modelOf(entry).transactional).toBe(false)
})

test('two parts that handle the same are refused, each thing by its name', () => {
  const part = orders
    .addStep('created', async () => 'waiting')
    .addCallback('waiting', async () => 'shipping')
    .addConnector('scans', unchecked<unknown>(), async () => undefined)
    .customDelete(async (object) => object)
  // @ts-expect-error the compiler says so, too, for statuses; what remains is what it cannot see.
  expect(refusal(() => part.include(part))).toBe(
    "workflow 'orders': two parts handle the same: step created, callback waiting, connector scans, customDelete. Leave it out of one of them",
  )
})

test('every handler that is missing is named, with the call that adds it', () => {
  const half = orders.addStep('created', async () => 'waiting')
  // @ts-expect-error the compiler names them, too
  expect(refusal(() => half.build(memory()))).toBe(
    "workflow 'orders': no handler for: callback waiting, timeout waiting, join shipping. " +
      "Add .addCallback('waiting', …) and .addTimeout('waiting', …) and .addJoin('shipping', …)",
  )
})

test('a second join, and an option key in the wrong place, are refused', () => {
  const joined = orders.addJoin('shipping', async () => 'done')
  // @ts-expect-error handled already
  expect(refusal(() => joined.addJoin('shipping', async () => 'done'))).toMatch(/'shipping' already has a join/)
  // @ts-expect-error only timeouts have names
  expect(refusal(() => orders.addStep('created', async () => 'waiting', { name: 'x' }))).toMatch(/has no 'name'/)
})

test('a model is asked only of what the library has built', () => {
  for (const value of [undefined, null, {}, 'orders', { contract: orders }])
    expect(refusal(() => modelOf(value))).toMatch(/a definition made with workflow/)
})

test('equal graphs have one fingerprint, in whatever order they were written, and different ones do not', () => {
  const fingerprint = (graph: { readonly [status: string]: object }): string =>
    modelOf(workflow('w', { object: unchecked<unknown>(), graph: graph as { a: { step: ['b'] }; b: {} } })).contract.fingerprint
  const one = fingerprint({ a: { step: ['b', 'c'] }, b: {}, c: {} })
  expect(fingerprint({ c: {}, a: { step: ['c', 'b'] }, b: {} })).toBe(one)
  expect(fingerprint({ a: { callback: ['b', 'c'] }, b: {}, c: {} })).not.toBe(one)
  expect(fingerprint({ a: { step: ['b', 'c'] }, b: { step: ['c'] }, c: {} })).not.toBe(one)
})

test('a contract keeps its graph when the caller changes his', () => {
  const graph = { a: { step: ['b'] as ['b'] }, b: {} }
  const contract = workflow('w', { object: unchecked<unknown>(), graph })
  Object.assign(graph.a, { step: ['a'] })
  expect(contract.graph().transitions).toEqual([{ from: 'a', to: 'b', kind: 'step' }])
})

test('a diagram with an unknown direction is refused', () => {
  expect(orders.diagram({ direction: 'LR' })).toContain('direction LR')
  // @ts-expect-error no such direction
  expect(refusal(() => orders.diagram({ direction: 'XX' }))).toMatch(/no direction 'XX'.*'TB', 'LR', 'RL', 'BT'/)
})
