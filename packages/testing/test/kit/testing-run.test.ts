import { isWorkflowError, type StepHandler, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { testingRun } from '../../src/index.ts'

const parcels = workflow('parcel', { object: unchecked<{ to: string }>(), graph: { sent: { step: ['arrived'] }, arrived: {} } })
const orders = workflow('order', {
  object: z.object({ cents: z.int(), note: z.string().default('none') }),
  graph: {
    created: { step: ['paid', 'rejected'] },
    paid: { step: ['shipped'] },
    rejected: {},
    shipped: {},
  },
})

const charge: StepHandler<typeof orders, 'created'> = async (run) => {
  if (run.object.cents === 0) return run.skip()
  if (run.object.cents < 0) return run.cancel('negative')
  if (run.object.cents > 1_000) return run.pause('too much')
  if (run.attempt > 3) return 'rejected'
  if (run.signal.aborted) throw run.signal.reason
  run.object.note = run.idempotencyKey
  run.logger.info({ cents: run.object.cents }, 'charged')
  return run.foreignId === 'again' ? run.saveAndRepeat() : 'paid'
}

test('a handler alone is called with a run that has all it reads', async () => {
  const run = testingRun(orders, 'created', { object: { cents: 5 } })
  expect(run.object.note).toBe('none')
  expect(await charge(run)).toBe('paid')
  expect(run.object).toEqual({ cents: 5, note: '00000000-0000-7000-8000-000000000001/1/0' })
  expect(run.logs).toEqual([{ level: 'info', fields: { cents: 5 }, message: 'charged' }])
  expect(run).toMatchObject({ status: 'created', workflowName: 'order', version: 1, attempt: 1, foreignId: 'test' })
})

test('every outcome can be looked at', async () => {
  const outcome = (cents: number, more: { attempt?: number; foreignId?: string } = {}) => {
    const run = testingRun(orders, 'created', { object: { cents }, ...more })
    return run.outcomeOf(charge(run))
  }
  expect(await outcome(5)).toEqual({ kind: 'move', to: 'paid' })
  expect(await outcome(5, { attempt: 4 })).toEqual({ kind: 'move', to: 'rejected' })
  expect(await outcome(0)).toEqual({ kind: 'skip' })
  expect(await outcome(-1)).toEqual({ kind: 'cancel', reason: 'negative' })
  expect(await outcome(2_000)).toEqual({ kind: 'pause', reason: 'too much' })
  expect(await outcome(5, { foreignId: 'again' })).toEqual({ kind: 'saveAndRepeat' })
})

test('what the engine would refuse is refused', async () => {
  const code = async (handler: (run: ReturnType<typeof made>) => Promise<unknown>): Promise<string> => {
    const run = made()
    try {
      await run.outcomeOf(handler(run))
    } catch (error) {
      if (isWorkflowError(error)) return `${error.code}: ${error.message}`
      throw error
    }
    return 'nothing was refused'
  }
  const made = () => testingRun(orders, 'created', { object: { cents: 5 } })
  expect(await code(async () => 'shipped')).toBe(
    "InvalidOutcome: the handler at 'created' of workflow 'order' returned 'shipped', and the graph leads from there only to 'paid', 'rejected'",
  )
  expect(await code(async () => undefined)).toContain("InvalidOutcome: the handler at 'created' of workflow 'order' returned undefined")
  expect(await code(async () => made().skip())).toContain('returned an object, which is neither')
  expect(
    await code(async (run) => {
      run.pause('forgotten')
      return 'paid'
    }),
  ).toContain('made an outcome by run.pause() and returned something else')
  expect(
    await code(async (run) => {
      Object.assign(run.object, { when: new Map() })
      return 'paid'
    }),
  ).toContain("NotSerializable: 'when' is a Map")
  await expect(made().outcomeOf(Promise.reject(new Error('its own')))).rejects.toThrow('its own')
})

test('a run can be given to one handler after another', async () => {
  const run = testingRun(orders, 'created', { object: { cents: 0 } })
  expect(await run.outcomeOf(charge(run))).toEqual({ kind: 'skip' })
  run.object.cents = 5
  expect(await run.outcomeOf(charge(run))).toEqual({ kind: 'move', to: 'paid' })
})

test('a signal can be aborted, children and rows are seen', async () => {
  const aborted = testingRun(orders, 'created', { object: { cents: 5 } })
  aborted.abort(new Error('deadline'))
  await expect(charge(aborted)).rejects.toThrow('deadline')
  const rows: string[] = []
  const run = testingRun(orders, 'paid', { object: { cents: 5 }, transaction: rows })
  run.startChild(parcels, 'p1', { initialValue: { to: 'Lisbon' } })
  expect(run.children).toEqual([{ workflow: 'parcel', foreignId: 'p1', options: { initialValue: { to: 'Lisbon' } } }])
  const answer = run.commit('shipped', async (tx) => void tx.push('row'))
  expect(rows).toEqual([])
  expect(await run.outcomeOf(Promise.resolve(answer))).toEqual({ kind: 'move', to: 'shipped' })
  expect(rows).toEqual(['row'])
})

test('the object it was given stays as it was, and must fit its schema', () => {
  const object = { cents: 5, note: 'mine' }
  const run = testingRun(orders, 'created', { object })
  run.object.note = 'theirs'
  expect(object.note).toBe('mine')
  expect(() => testingRun(orders, 'created', { object: { cents: 0.5 } })).toThrow(/does not fit its schema/)
  expect(() => testingRun(orders, 'creatd' as never, { object })).toThrow(
    "testingRun of workflow 'order': there is no status 'creatd'. There are: 'created', 'paid', 'rejected', 'shipped'",
  )
  const slow = workflow('slow', { object: z.object({}).refine(async () => true), graph: { a: { step: ['b'] }, b: {} } })
  expect(() => testingRun(slow, 'a', { object: {} })).toThrow(/use testKit/)
})

test('what is no contract and what is no object is refused', () => {
  const made = testingRun as unknown as (...given: readonly unknown[]) => unknown
  expect(() => made(undefined, 'created', { object: {} })).toThrow('testingRun needs a contract made by workflow(…), or the `contract`')
  expect(() => made(orders.addStep('created', charge), 'created', { object: {} })).toThrow('the `contract` of a definition')
  for (const options of [undefined, null, {}, { cents: 5 }])
    expect(() => made(orders, 'created', options)).toThrow("testingRun of workflow 'order' needs { object }: what the run carries")
  expect(() => made(orders, 'created', { object: { cents: () => 5 } })).toThrow(
    "the object of testingRun of workflow 'order' could never be stored: () => 5 could not be cloned",
  )
})
