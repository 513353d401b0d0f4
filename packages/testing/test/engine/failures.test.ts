/** Handlers that fail, hang or throw what nobody expects: attempts are counted, kept and bounded, and hurt nobody else. */
import { Configuration, NonRetryable, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { gate, type Ports, World } from './world.ts'

const tasks = workflow('tasks', {
  object: unchecked<{ readonly bad?: boolean; n?: number }>(),
  graph: { first: { step: ['second'] }, second: { step: ['done'] }, done: {} },
})

test('a failing step is tried again after a growing wait, with the attempt on the run', async () => {
  await using world = new World()
  const at: number[] = []
  const attempts: number[] = []
  const start = world.clock.now()
  const wf = await world.start((ports) =>
    tasks
      .addStep(
        'first',
        async (run) => {
          at.push(world.clock.now() - start)
          attempts.push(run.attempt)
          if (at.length < 6) throw new Error('not yet')
          return 'second'
        },
        { errBackOff: { initial: '1s', factor: 2, max: '6s', jitter: false } },
      )
      .addStep('second', async () => 'done')
      .build(ports),
  )
  const runId = await wf.trigger('t', { initialValue: {} })
  await world.pass(60_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'done' })
  expect(at).toEqual([0, 1_000, 3_000, 7_000, 13_000, 19_000])
  expect(attempts).toEqual([1, 2, 3, 4, 5, 6])
  expect((await wf.history(runId)).items.find(({ to }) => to === 'second')).toMatchObject({ attempt: 6 })
})

test('by default it waits one second first, doubled up to a minute, with jitter', async () => {
  await using world = new World()
  const at: number[] = []
  const wf = await world.start((ports) =>
    tasks
      .addStep('first', async () => {
        at.push(world.clock.now())
        throw new Error('never')
      })
      .addStep('second', async () => 'done')
      .build(ports),
  )
  await wf.trigger('t', { initialValue: {} })
  await world.pass(600_000)
  const waits = at.slice(1).map((time, i) => time - (at[i] ?? 0))
  for (const [i, wait] of waits.entries()) {
    const whole = Math.min(60_000, 1_000 * 2 ** i)
    expect(wait).toBeGreaterThanOrEqual(Math.floor(whole / 2))
    expect(wait).toBeLessThanOrEqual(whole + 1)
  }
  expect(waits.length).toBeGreaterThan(10)
})

test('runs that retry do not hold up the others, however many they are and however long they wait', async () => {
  await using world = new World()
  const wf = await world.start(
    (ports) =>
      tasks
        .addStep(
          'first',
          async (run) => {
            if (run.object.bad === true) throw new Error('poison')
            return 'second'
          },
          { errBackOff: '4s' },
        )
        .addStep('second', async () => 'done')
        .build(ports),
    'a',
    { maxInFlight: 20, slots: 1 },
  )
  for (let i = 0; i < 100; i++) await wf.trigger(`bad ${i}`, { initialValue: { bad: true } })
  await world.turns()
  for (let i = 0; i < 20; i++) {
    const at = world.clock.now()
    await world.within(wf.awaitCompletion(await wf.trigger(`good ${i}`, { initialValue: {} })))
    expect(world.clock.now() - at).toBeLessThan(100)
  }
})

test('attempts are counted through restarts', async () => {
  await using world = new World()
  const attempts: number[] = []
  const worker = (ports: Ports) =>
    tasks
      .addStep(
        'first',
        async (run) => {
          attempts.push(run.attempt)
          throw new Error(`attempt ${run.attempt}`)
        },
        { errBackOff: '20s', pauseAfterErrCount: 3 },
      )
      .addStep('second', async () => 'done')
      .build(ports)
  const client = tasks.client(world.ports('client'))
  const runId = await client.trigger('t', { initialValue: {} })
  for (const life of ['a', 'b', 'c']) {
    await world.start(worker, life)
    await world.pass(15_000)
    world.kill(life)
    await world.pass(10_000)
  }
  expect(attempts).toEqual([1, 2, 3])
  expect(await client.lookup(runId)).toMatchObject({ state: 'Paused' })
})

test('after pauseAfterErrCount the run pauses with its error as the reason, and the engine resumes it after a while', async () => {
  await using world = new World()
  let calls = 0
  let broken = true
  const wf = await world.start((ports) =>
    tasks
      .addStep(
        'first',
        async () => {
          calls += 1
          if (broken) throw new TypeError('no such column')
          return 'second'
        },
        { errBackOff: '1s', pauseAfterErrCount: 3 },
      )
      .addStep('second', async () => 'done')
      .build(ports),
  )
  const runId = await wf.trigger('t', { initialValue: {} })
  await world.pass(30_000)
  expect(calls).toBe(3)
  expect(await wf.lookup(runId)).toMatchObject({ state: 'Paused', status: 'first' })
  const explained = await wf.explain(runId)
  expect(explained.waitsFor).toEqual([
    { kind: 'person', pausedBy: 'engine', reason: 'step first: no such column', resumeAt: expect.any(Date) },
  ])
  expect(explained.lastError).toMatchObject({ name: 'TypeError', message: 'no such column', attempt: 3 })
  broken = false
  await world.pass(3_600_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'done' })
  expect((await wf.history(runId)).items.map(({ by, states }) => `${by} ${states.join('>')}`)).toEqual([
    'trigger Initiated',
    'engine Initiated>Paused',
    'engine Paused>Running',
    'step Running',
    'step Completed',
  ])
})

test('with autoResume off nothing is resumed; nor is what a person paused, or paused again', async () => {
  await using world = new World()
  const build = (ports: Ports) =>
    tasks
      .addStep('first', async (run) => {
        if (run.object.bad === true) throw new NonRetryable('no')
        return run.skip()
      })
      .addStep('second', async () => 'done')
      .build(ports)
  const off = await world.start(build, 'off', { autoResume: false })
  const bad = await off.trigger('bad', { initialValue: { bad: true } })
  await world.pass(5_000_000)
  expect(await off.lookup(bad)).toMatchObject({ state: 'Paused' })
  expect((await off.explain(bad)).waitsFor).toEqual([{ kind: 'person', pausedBy: 'engine', reason: 'step first: no' }])
  await world.within(off.stop())
  const on = await world.start(build, 'on', { autoResume: '10s' })
  const person = await on.trigger('person', { initialValue: {} })
  await on.pause(person, { reason: 'mine', actor: 'ann' })
  await world.pass(60_000)
  expect(await on.lookup(person)).toMatchObject({ state: 'Paused', version: 2 })
})

test('a NonRetryable error pauses at once, also from another copy of the package', async () => {
  await using world = new World()
  let calls = 0
  const wf = await world.start((ports) =>
    tasks
      .addStep('first', async () => {
        calls += 1
        throw new NonRetryable('card is stolen')
      })
      .addStep('second', async () => 'done')
      .build(ports),
  )
  const runId = await wf.trigger('t', { initialValue: {} })
  await world.pass(10_000)
  expect(calls).toBe(1)
  expect(await wf.lookup(runId)).toMatchObject({ state: 'Paused' })
  expect((await wf.explain(runId)).lastError).toMatchObject({ code: 'NonRetryable', message: 'card is stolen' })
})

const thrown: readonly (readonly [string, () => unknown, object])[] = [
  ['a text', () => 'just text', { name: 'not an Error', message: 'just text' }],
  ['nothing', () => undefined, { name: 'not an Error', message: 'undefined' }],
  ['null', () => null, { name: 'not an Error', message: 'null' }],
  ['an object', () => ({ code: 42 }), { name: 'not an Error', message: '{"code":42}' }],
  [
    'an object that contains itself',
    () => {
      const o: { me?: unknown } = {}
      o.me = o
      return o
    },
    { name: 'not an Error' },
  ],
  ['a symbol', () => Symbol('s'), { name: 'not an Error', message: 'Symbol(s)' }],
  ['an AbortError', () => new DOMException('aborted', 'AbortError'), { name: 'AbortError', message: 'aborted' }],
  ['an error whose message is a megabyte', () => new Error('x'.repeat(1_000_000)), { name: 'Error' }],
  ['an error with NUL and half a surrogate', () => new Error('a\0b\uD800c'), { name: 'Error', message: 'a\uFFFDb\uFFFDc' }],
  ['an error of Workflow itself', () => new Configuration('wrong'), { name: 'Configuration', code: 'Configuration', message: 'wrong' }],
]

test.each(thrown)('%s that is thrown counts as a failed attempt, is kept, and ends no process', async (_what, make, recorded) => {
  await using world = new World()
  let calls = 0
  const wf = await world.start((ports) =>
    tasks
      .addStep(
        'first',
        async () => {
          if (++calls === 1) throw make()
          return 'second'
        },
        { errBackOff: '10s' },
      )
      .addStep('second', async () => 'done')
      .build(ports),
  )
  const runId = await wf.trigger('t', { initialValue: {} })
  await world.pass(1_000)
  expect((await wf.explain(runId)).lastError).toMatchObject({ ...recorded, attempt: 1, process: 'step first' })
  expect(wf.healthy()).toBe(true)
  await world.pass(10_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'done' })
})

test('a handler that throws before it becomes a promise, and one that is not async, are handlers like any other', async () => {
  await using world = new World()
  let calls = 0
  const sync = (() => {
    if (++calls === 1) throw new Error('sync')
    return 'second'
  }) as unknown as () => Promise<'second'>
  const wf = await world.start((ports) =>
    tasks
      .addStep('first', sync, { errBackOff: '1s' })
      .addStep('second', async () => 'done')
      .build(ports),
  )
  await world.within(wf.awaitCompletion(await wf.trigger('t', { initialValue: {} })))
  expect(calls).toBe(2)
})

test('a handler that never settles is given up at its deadline, its signal is aborted, and what it does later does not count', async () => {
  await using world = new World()
  const late = gate<'second'>()
  const reasons: unknown[] = []
  let calls = 0
  const wf = await world.start((ports) =>
    tasks
      .addStep(
        'first',
        (run) => {
          calls += 1
          if (calls > 1) return Promise.resolve('second' as const)
          run.object.n = 666
          run.signal.addEventListener('abort', () => reasons.push(run.signal.reason))
          return late.promise
        },
        { deadline: '5s', errBackOff: '1s' },
      )
      .addStep('second', async (run) => {
        late.resolve('second')
        await new Promise((resolve) => {
          setImmediate(resolve)
        })
        run.object.n = (run.object.n ?? 0) + 1
        return 'done'
      })
      .build(ports),
  )
  const runId = await wf.trigger('t', { initialValue: { n: 1 } })
  await world.pass(4_900)
  expect(calls).toBe(1)
  await world.pass(200)
  expect(reasons).toMatchObject([{ code: 'DeadlineExceeded', retryable: true }])
  expect((await wf.explain(runId)).lastError).toMatchObject({ code: 'DeadlineExceeded' })
  await world.pass(2_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'done', version: 3, object: { n: 2 } })
})

test("deadlines are each handler's own, and none means none", async () => {
  await using world = new World()
  const open = gate()
  const failed = (): number => world.logged('warn', 'the attempt failed').length
  const wf = await world.start((ports) =>
    tasks
      .addStep(
        'first',
        async (run) => {
          if (run.object.bad === true) await open.promise
          else {
            await open.promise
          }
          return 'second'
        },
        { deadline: false, parallelCount: 5 },
      )
      .addStep(
        'second',
        async () => {
          await new Promise(() => undefined)
          return 'done'
        },
        { deadline: '3s', parallelCount: 5 },
      )
      .build(ports),
  )
  const runId = await wf.trigger('slow', { initialValue: {} })
  await world.pass(3_600_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'first' })
  open.resolve()
  await world.within(wf.await(runId, 'second'))
  const other = await wf.trigger('other', { initialValue: {} })
  await world.pass(2_000)
  expect(failed()).toBe(0)
  expect(await wf.lookup(other)).toMatchObject({ status: 'second' })
  await world.pass(1_100)
  expect(failed()).toBe(2)
})

test('stop gives handlers their time, then gives them up; the run goes on elsewhere, and no attempt was counted', async () => {
  await using world = new World()
  const reasons: unknown[] = []
  const attempts: number[] = []
  const worker = (hang: boolean) => (ports: Ports) =>
    tasks
      .addStep('first', async (run) => {
        attempts.push(run.attempt)
        run.signal.addEventListener('abort', () => reasons.push(run.signal.reason))
        if (hang) await new Promise(() => undefined)
        return 'second'
      })
      .addStep('second', async () => 'done')
      .build(ports)
  const a = await world.start(worker(true), 'a', { shutdownTimeout: '7s' })
  const runId = await a.trigger('t', { initialValue: {} })
  await world.until(() => attempts.length === 1)
  const at = world.clock.now()
  const stopping = a.stop()
  await world.pass(6_900)
  expect(reasons).toEqual([])
  await world.within(stopping)
  expect(world.clock.now() - at).toBeLessThan(7_100)
  expect(reasons).toMatchObject([{ code: 'Stopped' }])
  const b = await world.start(worker(false), 'b')
  await world.within(b.awaitCompletion(runId))
  expect(attempts).toEqual([1, 1])
})

test('a store that calls its own configuration wrong for a while pauses no run', async () => {
  await using world = new World()
  let refused = 0
  const flow = workflow('flow', { object: unchecked<object>(), graph: { made: { step: ['done'] }, done: {} } })
  const wf = await world.start((ports) => flow.addStep('made', async () => 'done', { errBackOff: '1s' }).build(ports), 'a', {
    change: (store) => ({
      ...store,
      commit: async (unit, options) => {
        // As where a password was changed while connections that are open go on: what is noted of a failure gets through.
        if (unit.changes?.some(({ next }) => next.status === 'done') !== true || refused === 3) return store.commit(unit, options)
        refused += 1
        throw new Configuration('the store does not let this user in')
      },
    }),
  })
  const runId = await wf.trigger('f', { initialValue: {} })
  expect((await world.within(wf.awaitCompletion(runId))).status).toBe('done')
  expect(refused).toBe(3)
  expect((await wf.history(runId)).items.map(({ to }) => to)).toEqual(['made', 'done'])
  expect(world.logged('error', 'pausing the run')).toEqual([])
})
