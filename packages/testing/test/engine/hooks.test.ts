/** Hooks: after the fact, at least once for each run, until they succeed, whatever happens in between. */
import { after, LeaseLost, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { type Ports, receiving, World } from './world.ts'

const visits = workflow('visits', {
  object: unchecked<{ n: number }>(),
  graph: { open: { callback: ['open', 'left'] }, left: {} },
  payloads: { open: unchecked<'stay' | 'leave'>() },
})
const base = visits.addCallback('open', async (run, what) => {
  run.object.n += 1
  return what === 'leave' ? 'left' : 'open'
})
const ann = { reason: 'because', actor: 'ann' }

test('each kind is called for its state, with the run as it was then', async () => {
  await using world = new World()
  const calls: unknown[] = []
  const wf = await world.start((ports) =>
    base
      .onPause(async (run) => {
        calls.push(['pause', run.state, run.status, run.version, run.object])
      })
      .onCancel(async (run) => {
        calls.push(['cancel', run.state, run.status, run.version, run.object])
      })
      .onComplete(async (run) => {
        calls.push(['complete', run.state, run.status, run.version, run.object])
      })
      .onDataDeleted(async (run) => {
        calls.push(['deleted', run.state, run.status, run.version, 'object' in run])
      })
      .build(ports),
  )
  const a = await wf.trigger('a', { initialValue: { n: 0 } })
  await wf.pause(a, ann)
  await world.until(() => calls.length === 1)
  await wf.resume(a, ann)
  await wf.callback({ runId: a }, 'open', 'leave')
  await world.until(() => calls.length === 2)
  const b = await wf.trigger('b', { initialValue: { n: 7 } })
  await wf.cancel(b, ann)
  await world.until(() => calls.length === 3)
  await wf.deleteData(b, ann)
  await world.until(() => calls.length === 4)
  await world.pass(60_000)
  expect(calls).toEqual([
    ['pause', 'Paused', 'open', 2, { n: 0 }],
    ['complete', 'Completed', 'left', 4, { n: 1 }],
    ['cancel', 'Cancelled', 'open', 2, { n: 7 }],
    ['deleted', 'DataDeleted', 'open', 4, false],
  ])
})

test('a run that moved on meanwhile still gives its hook the paused snapshot', async () => {
  await using world = new World()
  const seen: unknown[] = []
  const client = visits.client(world.ports('client'))
  const build = (ports: Ports) =>
    base
      .onPause(async (run) => {
        seen.push([run.state, run.version, run.object.n])
      })
      .build(ports)
  // Fixes where the hook begins.
  const first = await world.start(build, 'a')
  await world.within(first.stop())
  const runId = await client.trigger('a', { initialValue: { n: 5 } })
  await client.pause(runId, ann)
  await client.resume(runId, ann)
  await client.cancel(runId, ann)
  await world.start(build, 'b')
  await world.until(() => seen.length === 1)
  expect(seen).toEqual([['Paused', 2, 5]])
})

test('several hooks of a kind are all called; one that fails is tried again until it succeeds, and others do not wait for it', async () => {
  await using world = new World()
  const calls: string[] = []
  let fails = 4
  const wf = await world.start((ports) =>
    base
      .onComplete(async (run) => {
        calls.push(`first ${run.foreignId}`)
      })
      .onComplete(async (run) => {
        if (run.foreignId === 'bad' && fails-- > 0) throw new Error('mail is down')
        calls.push(`second ${run.foreignId}`)
      })
      .build(ports),
  )
  for (const id of ['bad', 'good']) {
    const runId = await wf.trigger(id, { initialValue: { n: 0 } })
    await wf.callback({ runId }, 'open', 'leave')
  }
  await world.until(() => calls.includes('second good'))
  expect(calls).not.toContain('second bad')
  await world.pass(120_000)
  expect(calls.filter((call) => call === 'second bad')).toHaveLength(1)
  expect(calls.filter((call) => call === 'second good')).toHaveLength(1)
  expect(world.logged('warn', 'a hook failed').map(({ fields }) => fields)).toMatchObject(
    [1, 2, 3, 4].map((attempt) => ({ workflow: 'visits', process: 'hook complete', attempt })),
  )
})

test.each([
  ['in place', '1s'],
  ['by a timer', '1m'],
] as const)('a hook that waits for its retry %s survives a crash', async (_how, errBackOff) => {
  await using world = new World()
  let fail = true
  let done = 0
  const worker = (ports: Ports) =>
    base
      .onComplete(async () => {
        if (fail) throw new Error('down')
        done += 1
      })
      .build({ ...ports, defaults: { errBackOff } })
  const a = await world.start(worker)
  const runId = await a.trigger('a', { initialValue: { n: 0 } })
  await a.callback({ runId }, 'open', 'leave')
  await world.until(() => world.logged('warn', 'a hook failed').length > 0)
  await world.turns()
  world.kill('a')
  fail = false
  await world.start(worker, 'b')
  await world.pass(120_000)
  expect(done).toBe(1)
})

test('a hook that is added later begins with what happens from then on', async () => {
  await using world = new World()
  const seen: string[] = []
  const old = await world.start((ports) => base.build(ports), 'a')
  const before = await old.trigger('before', { initialValue: { n: 0 } })
  await old.cancel(before, ann)
  await world.within(old.stop())
  const now = await world.start(
    (ports) =>
      base
        .onCancel(async (run) => {
          seen.push(run.foreignId)
        })
        .build(ports),
    'b',
  )
  const later = await now.trigger('later', { initialValue: { n: 0 } })
  await now.cancel(later, ann)
  await world.pass(60_000)
  expect(seen).toEqual(['later'])
})

test('what happened while no instance was there reaches the hook at the next start', async () => {
  await using world = new World()
  const seen: string[] = []
  const build = (ports: Ports) =>
    base
      .onCancel(async (run) => {
        seen.push(run.foreignId)
      })
      .build(ports)
  const a = await world.start(build, 'a')
  await world.within(a.stop())
  const client = visits.client(world.ports('client'))
  for (const id of ['x', 'y']) await client.cancel(await client.trigger(id, { initialValue: { n: 0 } }), ann)
  await world.start(build, 'b')
  await world.until(() => seen.length === 2)
  expect(seen.toSorted()).toEqual(['x', 'y'])
})

test('a hook that never settles is given up at its deadline and tried again, with its signal aborted', async () => {
  await using world = new World()
  const reasons: unknown[] = []
  let calls = 0
  const wf = await world.start((ports) =>
    base
      .onCancel(async (_run, { signal }) => {
        if (++calls > 1) return
        signal.addEventListener('abort', () => reasons.push(signal.reason))
        await new Promise(() => undefined)
      })
      .build({ ...ports, defaults: { deadline: '30s' } }),
  )
  await wf.cancel(await wf.trigger('a', { initialValue: { n: 0 } }), ann)
  await world.pass(40_000)
  expect(calls).toBe(2)
  expect(reasons).toMatchObject([{ code: 'DeadlineExceeded' }])
})

test("the engine's own pause calls the hook, and so does a cancel by a timeout", async () => {
  const timed = workflow('timed', { object: unchecked<{}>(), graph: { work: { step: ['done'] }, done: { timeout: ['late'] }, late: {} } })
  await using world = new World()
  const calls: string[] = []
  const wf = await world.start((ports) =>
    timed
      .addStep(
        'work',
        async (run) => {
          if (run.foreignId === 'bad') throw new Error('no')
          return 'done'
        },
        { pauseAfterErrCount: 1 },
      )
      .addTimeout('done', after('5s'), async (run) => run.cancel('too late'))
      .onPause(async (run) => {
        calls.push(`pause ${run.foreignId}`)
      })
      .onCancel(async (run) => {
        calls.push(`cancel ${run.foreignId}`)
      })
      .build(ports),
  )
  await wf.trigger('bad', { initialValue: {} })
  await wf.trigger('good', { initialValue: {} })
  await world.pass(10_000)
  expect(calls.toSorted()).toEqual(['cancel good', 'pause bad'])
})

test('hooks that wait for their retry in place leave most places to others', async () => {
  await using world = new World()
  const done: string[] = []
  const wf = await world.start((ports) =>
    base
      .onComplete(async (run) => {
        if (run.foreignId.startsWith('bad')) throw new Error('down')
        done.push(run.foreignId)
      })
      .build({ ...ports, maxInFlight: 8, defaults: { errBackOff: '4s' } }),
  )
  for (const id of [...Array.from({ length: 20 }, (_, i) => `bad${i}`), 'good']) {
    const runId = await wf.trigger(id, { initialValue: { n: 0 } })
    await wf.callback({ runId }, 'open', 'leave')
  }
  await world.pass(500)
  await world.turns(60)
  expect(done).toEqual(['good'])
})

test('an error of the engine that a hook passes on is a failure like any other', async () => {
  await using world = new World()
  let calls = 0
  const wf = await world.start((ports) =>
    base
      .onComplete(async () => {
        if (++calls === 1) throw new LeaseLost('of another workflow')
      })
      .build({ ...ports, defaults: { errBackOff: '1s' } }),
  )
  const runId = await wf.trigger('a', { initialValue: { n: 0 } })
  await wf.callback({ runId }, 'open', 'leave')
  await world.pass(5_000)
  expect(calls).toBe(2)
})

test('a hook that has succeeded is not called again because its acknowledgement fails', async () => {
  await using world = new World()
  let calls = 0
  let acks = 0
  const wf = await world.start((ports) =>
    base
      .onComplete(async () => {
        calls += 1
      })
      .build({
        ...ports,
        defaults: { errBackOff: '1s' },
        eventStreamer: {
          ...ports.eventStreamer,
          newReceiver: async (options) => {
            const receiver = await ports.eventStreamer.newReceiver(options)
            if (!options.durable || !options.name.includes('hook')) return receiver
            return receiving(receiver, {
              receive: async (how) =>
                (await receiver.receive(how)).map((delivery) => ({
                  ...delivery,
                  ack: async () => {
                    if (++acks < 3) throw new Error('the broker is away')
                    await delivery.ack()
                  },
                })),
            })
          },
        },
      }),
  )
  const runId = await wf.trigger('a', { initialValue: { n: 0 } })
  await wf.callback({ runId }, 'open', 'leave')
  await world.pass(10_000)
  expect([calls, acks]).toEqual([1, 3])
})

test('the retry of a hook waits for an instance that has the hook', async () => {
  await using world = new World()
  let fail = true
  let done = 0
  const worker = (ports: Ports) =>
    base
      .onComplete(async () => {
        if (fail) throw new Error('down')
        done += 1
      })
      .build({ ...ports, defaults: { errBackOff: '20s' } })
  const a = await world.start(worker)
  const runId = await a.trigger('a', { initialValue: { n: 0 } })
  await a.callback({ runId }, 'open', 'leave')
  await world.until(() => world.logged('warn', 'a hook failed').length > 0)
  await world.within(a.stop())
  const without = await world.start((ports) => base.build(ports), 'b')
  await world.pass(60_000)
  await world.within(without.stop())
  expect(world.logged('warn', 'whose code is not in this process').map(({ fields }) => fields['process'])).toEqual(['hook complete'])
  fail = false
  await world.start(worker, 'c')
  await world.pass(30_000)
  expect(done).toBe(1)
})
