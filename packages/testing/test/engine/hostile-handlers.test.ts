/** What plain JavaScript can do to an engine: it must cost the one run that does it, and nobody else. */
import { isWorkflowError, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { World } from './world.ts'

interface Thing {
  readonly id: string
  self?: unknown
}

const things = workflow('things', {
  object: unchecked<Thing>(),
  graph: { start: { step: ['middle', 'end'] }, middle: { step: ['end'] }, end: {} },
})

const throwing = (): never => {
  throw new Error('gotcha')
}
const withGetter = (name: string): Error => Object.defineProperty(new Error('x'), name, { get: throwing })
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

test.for([
  ['an error whose message throws', () => withGetter('message')],
  ['an error whose stack throws', () => withGetter('stack')],
  ['an error whose name cannot be text', () => Object.assign(new Error('x'), { name: { toString: throwing } })],
  ['a proxy that throws at every look', () => new Proxy({}, { get: throwing, has: throwing, getPrototypeOf: throwing })],
  ['a revoked proxy', revoked],
  ['an object without a prototype', () => Object.create(null) as object],
  ['what looks like a lost lease', () => ({ [Symbol.for('@workflow/core/error')]: true, code: 'LeaseLost' })],
] as const)('a handler that throws %s is tried again and keeps nobody else from working', async ([, thrown]) => {
  await using world = new World()
  let calls = 0
  const wf = await world.start((ports) =>
    things
      .addStep(
        'start',
        async (run) => {
          if (run.foreignId === 'bad' && (calls += 1) < 3) throw thrown()
          return 'end'
        },
        { errBackOff: '20ms' },
      )
      .addStep('middle', async () => 'end')
      .build({ ...ports, slots: 1 }),
  )
  const bad = await wf.trigger('bad', { initialValue: { id: 'bad' } })
  const good = await wf.trigger('good', { initialValue: { id: 'good' } })
  const startedAt = world.clock.now()
  await world.within(wf.awaitCompletion(good))
  await world.within(wf.awaitCompletion(bad))
  expect(calls).toBe(3)
  expect(world.clock.now() - startedAt).toBeLessThan(1_000)
})

test('a thenable that settles with one that never does runs into its deadline', async () => {
  await using world = new World()
  let calls = 0
  const thenable = (then: (settle: (value: unknown) => void) => void): object => {
    const target = {}
    Reflect.set(target, 'then', then)
    return target
  }
  const never = thenable((settle) => settle(thenable(() => undefined)))
  const wf = await world.start((ports) =>
    things
      // The cast is what JavaScript does not need.
      .addStep('start', () => ((calls += 1) === 1 ? never : Promise.resolve('end')) as Promise<'end'>, {
        deadline: '100ms',
        errBackOff: '20ms',
      })
      .addStep('middle', async () => 'end')
      .build(ports),
  )
  await world.within(wf.awaitCompletion(await wf.trigger('t', { initialValue: { id: 't' } })))
  expect(calls).toBe(2)
})

test('what a caller does to its metadata after the trigger changes nothing', async () => {
  await using world = new World()
  const wf = await world.start((ports) =>
    things
      .addStep('start', async () => 'middle')
      .addStep('middle', async () => 'end')
      .build(ports),
  )
  const metadata: Record<string, string> = { tenant: 'a' }
  const triggered = wf.trigger('t', { initialValue: { id: 't' }, metadata })
  const runId = await triggered
  metadata['tenant'] = 'b'
  expect((await world.within(wf.awaitCompletion(runId))).metadata).toEqual({ tenant: 'a' })
})

test('a handler cannot write into the metadata of its run', async () => {
  await using world = new World()
  const wf = await world.start((ports) =>
    things
      .addStep('start', async (run) => {
        expect(() => Object.assign(run.metadata, { tenant: 5 })).toThrow(TypeError)
        return 'end'
      })
      .addStep('middle', async () => 'end')
      .build(ports),
  )
  expect(
    (await world.within(wf.awaitCompletion(await wf.trigger('t', { initialValue: { id: 't' }, metadata: { tenant: 'a' } })))).metadata,
  ).toEqual({ tenant: 'a' })
})

test('a logger and an instrumentation that throw stop nothing', async () => {
  await using world = new World()
  let calls = 0
  const logger = { debug: throwing, info: throwing, warn: throwing, error: throwing }
  const instrumentation = { span: throwing, count: throwing, gauge: throwing, observe: throwing }
  const wf = await world.start((ports) =>
    things
      .addStep(
        'start',
        async () => {
          if ((calls += 1) === 1) throw new Error('once')
          return 'end'
        },
        { errBackOff: '20ms' },
      )
      .addStep('middle', async () => 'end')
      .build({ ...ports, logger, instrumentation }),
  )
  await world.within(wf.awaitCompletion(await wf.trigger('t', { initialValue: { id: 't' } })))
  expect(calls).toBe(2)
})

test('an object whose getter throws is refused as not serializable, not as corrupt', async () => {
  await using world = new World()
  const client = things.client(world.ports())
  const refused = client.trigger('t', { initialValue: Object.defineProperty({ id: 't' }, 'self', { enumerable: true, get: throwing }) })
  await expect(refused).rejects.toSatisfy((error) => isWorkflowError(error, 'NotSerializable'))
  await expect(refused).rejects.toThrow(/workflow 'things'.*gotcha/)
})

test('a schedule named like a property of every object is no schedule', async () => {
  await using world = new World()
  const client = things.client(world.ports())
  for (const spec of ['constructor', '__proto__']) {
    // The cast is what JavaScript does not need.
    await expect(client.schedule('t', spec as '@hourly', { initialValue: { id: 't' } })).rejects.toSatisfy((error) =>
      isWorkflowError(error, 'InvalidArgument'),
    )
  }
})
