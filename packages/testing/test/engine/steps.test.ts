/** What a step may return, and what becomes of it. */
import { type Outcome, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { gate, World } from './world.ts'

interface Order {
  readonly id: string
  seen: string[]
}

const orders = workflow('orders', {
  object: unchecked<Order>(),
  graph: { created: { step: ['paid', 'created'] }, paid: { step: ['shipped'] }, shipped: {} },
})
const order = (): Order => ({ id: 'o1', seen: [] })
/** What a handler from JavaScript may return. */
const anything = (value: unknown): 'paid' => value as 'paid'

test('a run goes from step to step, each sees the object as the one before left it', async () => {
  await using world = new World()
  const wf = await world.start((ports) =>
    orders
      .addStep('created', async (run) => {
        run.object.seen.push('created')
        return 'paid'
      })
      .addStep('paid', async (run) => {
        run.object.seen.push('paid')
        return 'shipped'
      })
      .build(ports),
  )
  const runId = await wf.trigger('o1', { initialValue: order() })
  const done = await world.within(wf.awaitCompletion(runId))
  expect(done).toMatchObject({ status: 'shipped', state: 'Completed', version: 3, object: { id: 'o1', seen: ['created', 'paid'] } })
  expect(done.finishedAt).toEqual(done.updatedAt)
})

test('an object that is changed after the return is not what is stored, nor what the next step sees', async () => {
  await using world = new World()
  let kept: Order | undefined
  const wf = await world.start((ports) =>
    orders
      .addStep('created', async (run) => {
        kept = run.object
        setImmediate(() => {
          run.object.seen.push('too late')
        })
        return 'paid'
      })
      .addStep('paid', async (run) => {
        kept?.seen.push('through the back door')
        expect(run.object.seen).toEqual([])
        return 'shipped'
      })
      .build(ports),
  )
  const runId = await wf.trigger('o1', { initialValue: order() })
  expect((await world.within(wf.awaitCompletion(runId))).object.seen).toEqual([])
  await world.turns()
  const { items } = await wf.history(runId, { objects: true })
  expect(items.map(({ object }) => object?.seen)).toEqual([[], [], []])
})

test('skip leaves the run where it is, keeps its edits, and does not run the step again by itself', async () => {
  await using world = new World()
  let calls = 0
  const wf = await world.start((ports) =>
    orders
      .addStep('created', async (run) => {
        calls += 1
        if (run.object.id === 'edits') run.object.seen.push(`call ${calls}`)
        return run.skip()
      })
      .addStep('paid', async () => 'shipped')
      .build(ports),
  )
  const edits = await wf.trigger('o1', { initialValue: { id: 'edits', seen: [] } })
  await world.until(() => calls === 1)
  const plain = await wf.trigger('o2', { initialValue: order() })
  await world.until(() => calls === 2)
  await world.pass(180_000)
  expect(calls).toBe(2)
  expect(await wf.lookup(edits)).toMatchObject({ status: 'created', state: 'Running', version: 2, object: { seen: ['call 1'] } })
  expect(await wf.lookup(plain)).toMatchObject({ status: 'created', state: 'Initiated', version: 1 })
  expect((await wf.explain(plain)).text).toMatch(/chose to skip/)
})

test('a skipped run is looked at again once somebody pauses and resumes it', async () => {
  await using world = new World()
  let calls = 0
  const wf = await world.start((ports) =>
    orders
      .addStep('created', async (run) => (++calls === 1 ? run.skip() : 'paid'))
      .addStep('paid', async () => 'shipped')
      .build(ports),
  )
  const runId = await wf.trigger('o1', { initialValue: order() })
  await world.until(() => calls === 1)
  await wf.pause(runId, { reason: 'look', actor: 'ann' })
  await wf.resume(runId, { reason: 'go on', actor: 'ann' })
  await world.within(wf.awaitCompletion(runId))
  expect(calls).toBe(2)
})

test('saveAndRepeat keeps the edits and runs the step again under a new idempotency key, in the same stay', async () => {
  await using world = new World()
  const keys: string[] = []
  const entered: Date[] = []
  const wf = await world.start((ports) =>
    orders
      .addStep('created', async (run) => {
        keys.push(run.idempotencyKey)
        entered.push(run.enteredAt)
        run.object.seen.push(String(keys.length))
        return keys.length < 3 ? run.saveAndRepeat() : 'paid'
      })
      .addStep('paid', async () => 'shipped')
      .build(ports),
  )
  const runId = await wf.trigger('o1', { initialValue: order() })
  expect((await world.within(wf.awaitCompletion(runId))).object.seen).toEqual(['1', '2', '3'])
  expect(keys).toEqual([`${runId}/1/0`, `${runId}/1/1`, `${runId}/1/2`])
  expect(new Set(entered.map(Number)).size).toBe(1)
})

test('a self-loop is a new stay: a new key and a new time of entry', async () => {
  await using world = new World()
  const keys: string[] = []
  const wf = await world.start((ports) =>
    orders
      .addStep('created', async (run) => {
        keys.push(run.idempotencyKey)
        return keys.length === 1 ? 'created' : 'paid'
      })
      .addStep('paid', async () => 'shipped')
      .build(ports),
  )
  const runId = await wf.trigger('o1', { initialValue: order() })
  await world.within(wf.awaitCompletion(runId))
  expect(keys).toEqual([`${runId}/1/0`, `${runId}/2/0`])
})

test('pause and cancel from inside keep the edits and the reason, and the process that did it', async () => {
  await using world = new World()
  const wf = await world.start(
    (ports) =>
      orders
        .addStep('created', async (run) => {
          run.object.seen.push('here')
          return run.object.id === 'p' ? run.pause('looks odd') : run.cancel('not wanted')
        })
        .addStep('paid', async () => 'shipped')
        .build(ports),
    'a',
    { autoResume: '1s' },
  )
  const paused = await wf.trigger('o1', { initialValue: { id: 'p', seen: [] } })
  const cancelled = await wf.trigger('o2', { initialValue: { id: 'c', seen: [] } })
  await world.until(async () => (await wf.lookup(paused))?.state === 'Paused' && (await wf.lookup(cancelled))?.state === 'Cancelled')
  // What a step pauses waits for a person: the engine does not resume it.
  await world.pass(10_000)
  expect(await wf.lookup(paused)).toMatchObject({ state: 'Paused', object: { seen: ['here'] } })
  expect((await wf.explain(paused)).waitsFor).toEqual([{ kind: 'person', pausedBy: 'person', actor: 'step created', reason: 'looks odd' }])
  expect(await wf.lookup(cancelled)).toMatchObject({ state: 'Cancelled', status: 'created', object: { seen: ['here'] } })
  expect((await wf.history(cancelled)).items.at(-1)).toMatchObject({ by: 'step', reason: 'not wanted', states: ['Initiated', 'Cancelled'] })
})

const wrong: readonly (readonly [
  string,
  (run: { skip: () => Outcome; cancel: (reason: string) => Outcome }, other: () => unknown) => unknown,
  RegExp,
])[] = [
  ['nothing', () => undefined, /returned undefined: return one of 'paid', 'created'/],
  ['null', () => null, /returned null/],
  ['a number', () => 7, /returned 7/],
  ['an object', () => ({ to: 'paid' }), /returned an object/],
  [
    'a status that its graph does not lead to',
    () => 'shipped',
    /returned 'shipped', and the graph leads its step only to 'paid', 'created'/,
  ],
  ['a status that does not exist', () => 'nowhere', /returned 'nowhere'/],
  ['an outcome of another run', (_run, other) => other(), /an outcome of another run/],
  [
    'a status after making an outcome',
    (run) => {
      run.cancel('changed my mind')
      return 'paid'
    },
    /made an outcome by run\.cancel\(\) and returned something else/,
  ],
  ['the method instead of its result', (run) => run.skip, /returned a function: return one of/],
  [
    'nothing after making an outcome',
    (run) => {
      run.skip()
    },
    /made an outcome by run\.skip\(\)/,
  ],
]

test.each(wrong)(
  'a step that returns %s pauses its run with a reason that says so, and changes nothing else',
  async (_what, give, message) => {
    await using world = new World()
    let others: (() => unknown) | undefined
    const wf = await world.start((ports) =>
      orders
        .addStep('created', async (run) => {
          if (run.foreignId === 'other') {
            others = () => run.pause('of another run')
            return run.skip()
          }
          run.object.seen.push('dropped')
          return anything(give(run, others ?? (() => undefined)))
        })
        .addStep('paid', async () => 'shipped')
        .build(ports),
    )
    await wf.trigger('other', { initialValue: order() })
    await world.until(() => others)
    const runId = await wf.trigger('o1', { initialValue: order() })
    await world.until(async () => (await wf.lookup(runId))?.state === 'Paused')
    expect(await wf.lookup(runId)).toMatchObject({ status: 'created', version: 2, object: { seen: [] } })
    const explained = await wf.explain(runId)
    expect(explained.lastError).toMatchObject({ name: 'InvalidOutcome', message: expect.stringMatching(message) })
  },
)

test('parallelCount bounds how many handlers of a step run at once', async () => {
  await using world = new World()
  const open = gate()
  let running = 0
  let most = 0
  const wf = await world.start((ports) =>
    orders
      .addStep(
        'created',
        async () => {
          most = Math.max(most, ++running)
          await open.promise
          running -= 1
          return 'paid'
        },
        { parallelCount: 3 },
      )
      .addStep('paid', async () => 'shipped')
      .build(ports),
  )
  const ids = await Promise.all(Array.from({ length: 10 }, (_, i) => wf.trigger(`o${i}`, { initialValue: order() })))
  await world.until(() => running === 3)
  await world.pass(1_000)
  expect(running).toBe(3)
  open.resolve()
  for (const id of ids) await world.within(wf.awaitCompletion(id))
  expect(most).toBe(3)
})

test('consumeLag lets an event grow old before it is handled', async () => {
  await using world = new World()
  const ages: number[] = []
  const wf = await world.start((ports) =>
    orders
      .addStep(
        'created',
        async (run) => {
          ages.push(world.clock.now() - run.enteredAt.getTime())
          return 'paid'
        },
        { consumeLag: '2s' },
      )
      .addStep(
        'paid',
        async (run) => {
          ages.push(world.clock.now() - run.enteredAt.getTime())
          return 'shipped'
        },
        { consumeLag: '1m' },
      )
      .build(ports),
  )
  const runId = await wf.trigger('o1', { initialValue: order() })
  await world.pass(62_000)
  await world.within(wf.awaitCompletion(runId))
  expect(ages[0]).toBeGreaterThanOrEqual(2_000)
  expect(ages[1]).toBeGreaterThanOrEqual(60_000)
})

test('a workflow whose start lies on a cycle begins where it is told to', async () => {
  const rounds = workflow('rounds', {
    object: unchecked<{ n: number }>(),
    graph: { here: { step: ['there'] }, there: { step: ['here', 'out'] }, out: {} },
  })
  await using world = new World()
  const path: string[] = []
  const wf = await world.start((ports) =>
    rounds
      .addStep('here', async () => {
        path.push('here')
        return 'there'
      })
      .addStep('there', async (run) => {
        path.push('there')
        return ++run.object.n < 2 ? 'here' : 'out'
      })
      .build(ports),
  )
  await world.within(wf.awaitCompletion(await wf.trigger('r1', { initialValue: { n: 0 } })))
  expect(path).toEqual(['here', 'there', 'here', 'there'])
  path.length = 0
  await world.within(wf.awaitCompletion(await wf.trigger('r2', { initialValue: { n: 1 }, startAt: 'there' })))
  expect(path).toEqual(['there'])
})
