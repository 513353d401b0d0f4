/** Starting, stopping, and what can be seen from outside while a workflow runs. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { after, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { memoryConnector } from '../../src/memory-connector.ts'
import { gate, type Ports, World } from './world.ts'

const jobs = workflow('jobs', {
  object: unchecked<{ secret: string; readonly mode?: 'fail' | 'skip' }>(),
  graph: { made: { step: ['open'] }, open: { callback: ['done'], timeout: ['late'] }, done: {}, late: {} },
})
const definition = jobs
  .addStep(
    'made',
    async (run) => {
      if (run.object.mode === 'fail') throw new Error('no luck')
      return run.object.mode === 'skip' ? run.skip() : 'open'
    },
    { errBackOff: '10s' },
  )
  .addCallback('open', async () => 'done')
  .addTimeout('open', after('1h'), async () => 'late', { name: 'give up' })
const ann = { reason: 'because', actor: 'ann' }
const job = { secret: 'hunter2' }

test('states, ready and healthy tell a life', async () => {
  await using world = new World()
  const scans = memoryConnector({ clock: world.clock })
  const made = definition.onPause(async () => undefined).addConnector('scans', unchecked<unknown>(), async () => undefined)
  const wf = made.build({ ...world.ports(), connectors: { scans } })
  expect([wf.states(), wf.ready(), wf.healthy()]).toEqual([[], false, true])
  await wf.run()
  expect(wf.ready()).toBe(true)
  await world.until(() => wf.states().every(({ state }) => state === 'running'))
  expect(
    wf
      .states()
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(
    expect.arrayContaining(['callback open', 'connector scans', 'hook pause', 'step made', 'sweeper', 'timeout open/give up', 'timers']),
  )
  await world.within(wf.stop())
  expect(new Set(wf.states().map(({ state }) => state))).toEqual(new Set(['shutdown']))
  expect([wf.ready(), wf.healthy()]).toEqual([false, true])
})

test('an instance that waits for its roles is idle', async () => {
  await using world = new World()
  await world.start((ports) => definition.build(ports), 'a', { slots: 1 })
  await world.turns()
  const b = await world.start((ports) => definition.build(ports), 'b', { slots: 1 })
  await world.turns()
  expect(new Set(b.states().map(({ state }) => state))).toEqual(new Set(['idle']))
})

test('run and stop may be called twice and in any order', async () => {
  await using world = new World()
  const wf = definition.build(world.ports('a'))
  await Promise.all([wf.run(), wf.run()])
  await wf.run()
  await world.within(wf.awaitCompletion(await started(wf)))
  await world.within(Promise.all([wf.stop(), wf.stop()]))
  await wf.stop()
  await expect(wf.run()).rejects.toMatchObject({ code: 'Stopped', message: expect.stringContaining('build it anew') })
  const never = definition.build(world.ports('b'))
  await world.within(never.stop())
  await expect(never.run()).rejects.toMatchObject({ code: 'Stopped' })
  const both = definition.build(world.ports('c'))
  await world.within(Promise.allSettled([both.run(), both.stop()]))
  expect(both.ready()).toBe(false)
})

async function started(wf: ReturnType<typeof definition.build>): Promise<string> {
  const runId = await wf.trigger('j', { initialValue: job })
  await wf.callback({ runId }, 'open', undefined, { queue: true })
  return runId
}

test('calls before run work, calls after stop are answered with Stopped, and what waits then ends', async () => {
  await using world = new World()
  const wf = definition.build(world.ports('a'))
  const runId = await started(wf)
  expect((await wf.list()).items).toHaveLength(1)
  await wf.run()
  await world.within(wf.awaitCompletion(runId))
  const other = await wf.trigger('k', { initialValue: job })
  const waiting = [world.within(wf.await(other, 'done')), world.within(wf.awaitCompletion(other))]
  await world.turns()
  await world.within(wf.stop())
  for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'Stopped' })
  const calls: readonly (() => Promise<unknown>)[] = [
    () => wf.trigger('l', { initialValue: job }),
    () => wf.await(other, 'done'),
    () => wf.awaitCompletion(other),
    () => wf.callback({ runId: other }, 'open'),
    () => wf.pause(other, ann),
    () => wf.resume(other, ann),
    () => wf.cancel(other, ann),
    () => wf.deleteData(other, ann),
    () => wf.retry(other),
    () => wf.lookup(other),
    () => wf.list(),
    () => wf.history(other),
    () => wf.explain(other),
    () => wf.schedule('s', '@hourly', { initialValue: job }),
  ]
  for (const call of calls) await expect(world.within(call())).rejects.toMatchObject({ code: 'Stopped' })
  expect(wf.diagram()).toContain('stateDiagram')
})

test('after a stop nothing of the engine is alive, whatever it was doing', async () => {
  const world = new World()
  const ports = world.ports()
  const wf = definition
    .onComplete(async () => {
      throw new Error('hook fails')
    })
    .build(ports)
  await wf.run()
  await world.within(wf.awaitCompletion(await started(wf)))
  await wf.trigger('fails', { initialValue: { ...job, mode: 'fail' } })
  await wf.trigger('waits', { initialValue: job })
  const awaited = world.within(wf.await(await wf.trigger('awaited', { initialValue: job }), 'done')).catch(() => undefined)
  await wf.schedule('s', '@hourly', { initialValue: job })
  await world.pass(3_000)
  await world.within(wf.stop())
  await awaited
  await ports.roleScheduler.close()
  await ports.eventStreamer.close()
  await ports.recordStore.close()
  expect(world.clock.pending()).toEqual([])
})

test("on the system's own clock a process ends by itself after the stop", { timeout: 30_000 }, async () => {
  const script = `
    import { after, unchecked, workflow } from '@workflow/core'
    import { memory } from '@workflow/core/memory'
    const jobs = workflow('jobs', { object: unchecked(), graph: { made: { step: ['open'] }, open: { timeout: ['late'] }, late: {} } })
    const ports = memory()
    const wf = jobs.addStep('made', async (run) => { if (run.foreignId === 'fails') throw new Error('no'); return 'open' }).addTimeout('open', after('10ms'), async () => 'late')
      .build({ ...ports, logger: { debug() {}, info() {}, warn() {}, error() {} } })
    await wf.run()
    await wf.trigger('fails', { initialValue: {} })
    await wf.awaitCompletion(await wf.trigger('works', { initialValue: {} }))
    await wf.stop()
    await ports.roleScheduler.close()
    console.log(JSON.stringify(process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate')))`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@workflow/source', '--input-type=module', '--eval', script],
    { cwd: import.meta.dirname, timeout: 20_000 },
  )
  expect(stdout.trim()).toBe('[]')
})

test('the engine closes nothing that it did not open', async () => {
  await using world = new World()
  const ports = world.ports()
  const wf = definition.build(ports)
  await wf.run()
  await world.within(wf.stop())
  expect(await ports.recordStore.lookup('nobody')).toBeUndefined()
  expect(await ports.eventStreamer.receivers('jobs')).toHaveLength(1)
  const again = definition.build({ ...ports })
  await again.run()
  await world.within(again.awaitCompletion(await started(again)))
  await world.within(again.stop())
})

test('explain says for each kind of waiting what it is and what would move the run on', async () => {
  await using world = new World()
  const client = jobs.client(world.ports('client'))
  const turn = await client.trigger('turn', { initialValue: job })
  const unserved = await client.explain(turn)
  expect(unserved).toMatchObject({
    workflowName: 'jobs',
    runId: turn,
    foreignId: 'turn',
    status: 'made',
    state: 'Initiated',
    waitsFor: [{ kind: 'step', process: 'step made' }],
    moves: ["'step made' takes its turn"],
  })
  const busy = gate()
  const wf = await world.start((ports: Ports) =>
    jobs
      .addStep(
        'made',
        async (run) => {
          if (run.foreignId === 'busy') await busy.promise
          if (run.object.mode === 'fail') throw new Error('no luck')
          return 'open'
        },
        { errBackOff: '10s', parallelCount: 5 },
      )
      .addCallback(
        'open',
        async (run) => {
          if (run.foreignId === 'failing callback') throw new Error('bad luck')
          return 'done'
        },
        { errBackOff: '10s' },
      )
      .addTimeout('open', after('1h'), async () => 'late', { name: 'give up' })
      .build(ports),
  )
  await world.within(wf.await(turn, 'open'))
  const open = await wf.explain(turn)
  expect(open.waitsFor).toEqual([
    { kind: 'callback', status: 'open', queued: 0 },
    { kind: 'timer', name: 'give up', at: new Date(open.since.getTime() + 3_600_000), held: false },
  ])
  expect(open).toMatchObject({ holder: { instance: 'a' }, lag: { receiver: 'jobs/runs' } })
  expect(open.text).toContain("client.callback({ runId: '")
  const failing = await wf.trigger('failing', { initialValue: { ...job, mode: 'fail' } })
  await world.pass(100)
  expect(await wf.explain(failing)).toMatchObject({
    waitsFor: [{ kind: 'retry', process: 'step made', attempt: 2 }],
    lastError: { name: 'Error', message: 'no luck', process: 'step made', attempt: 1 },
  })
  await wf.trigger('busy', { initialValue: job })
  await wf.pause(turn, ann)
  expect((await wf.explain(turn)).waitsFor).toEqual([{ kind: 'person', pausedBy: 'person', actor: 'ann', reason: 'because' }])
  expect((await wf.explain(turn)).text).toContain('It was paused by ann: because.')
  await wf.cancel(turn, ann)
  expect(await wf.explain(turn)).toMatchObject({ waitsFor: [{ kind: 'nothing' }], moves: ['nothing: it is finished'] })
  await expect(wf.explain('nobody')).rejects.toMatchObject({ code: 'RunNotFound' })
  await world.within(wf.stop({ timeout: '0ms' }))
  busy.resolve()
  const alone = await world.start((ports: Ports) => definition.build(ports), 'later', { instance: 'later' })
  expect((await alone.explain(failing)).text).not.toContain('undefined')
})

test('the history says who moved the run, from where, when, how often it was tried, how long it took and where', async () => {
  await using world = new World()
  const wf = await world.start((ports) =>
    jobs
      .addStep(
        'made',
        async (run) => {
          await new Promise<void>((resolve) => {
            world.clock.setTimer(250, resolve)
          })
          if (run.attempt === 1) throw new Error('first')
          return 'open'
        },
        { errBackOff: '1s' },
      )
      .addCallback('open', async () => 'done')
      .addTimeout('open', after('1h'), async () => 'late')
      .build(ports),
  )
  const start = world.clock.now()
  const runId = await started(wf)
  await world.within(wf.awaitCompletion(runId))
  const { items } = await wf.history(runId)
  expect(items).toEqual([
    { version: 1, to: 'made', states: ['Initiated'], by: 'trigger', at: new Date(start), attempt: 1, instance: 'a' },
    {
      version: 2,
      from: 'made',
      to: 'open',
      states: ['Initiated', 'Running'],
      by: 'step',
      at: new Date(start + 1_500),
      attempt: 2,
      durationMs: 250,
      instance: 'a',
      failures: [
        {
          process: 'step made',
          attempt: 1,
          startedAt: new Date(start),
          durationMs: 250,
          instance: 'a',
          name: 'Error',
          message: 'first',
          stack: expect.stringContaining('Error: first'),
        },
      ],
    },
    {
      version: 3,
      from: 'open',
      to: 'done',
      states: ['Completed'],
      by: 'callback',
      at: new Date(start + 1_500),
      attempt: 1,
      durationMs: 0,
      instance: 'a',
    },
  ])
  expect((await wf.history(runId, { objects: true })).items.map(({ object }) => object)).toEqual([job, job, job])
  const page = await wf.history(runId, { limit: 2 })
  expect(page.items).toHaveLength(2)
  expect((await wf.history(runId, { limit: 2, cursor: page.cursor ?? '' })).items.map(({ version }) => version)).toEqual([3])
})

test('without object history the entries have no objects, and the hooks and awaits still have one', async () => {
  await using world = new World()
  const seen: unknown[] = []
  const wf = await world.start(
    (ports) =>
      definition
        .onComplete(async (run) => {
          seen.push(run.object)
        })
        .build(ports),
    'a',
    { historyObjects: false },
  )
  const runId = await started(wf)
  await world.within(wf.awaitCompletion(runId))
  await world.until(() => seen.length === 1)
  expect((await wf.history(runId, { objects: true })).items.some((entry) => 'object' in entry)).toBe(false)
  expect(await world.within(wf.await(runId, 'open'))).toMatchObject({ status: 'open', object: job })
})

test('log lines carry workflow, process, run, foreign id, version, attempt and trace, and never the object', async () => {
  await using world = new World()
  const wf = await world.start((ports) =>
    jobs
      .addStep(
        'made',
        async (run) => {
          run.logger.info({ more: 1 }, 'from the handler')
          throw new Error('no luck')
        },
        { pauseAfterErrCount: 2, errBackOff: '1s' },
      )
      .addCallback('open', async () => 'done')
      .addTimeout('open', after('1h'), async () => 'late')
      .build(ports),
  )
  const runId = await wf.trigger('j', { initialValue: job, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' })
  await world.pass(10_000)
  const fields = (attempt: number): object => ({
    workflow: 'jobs',
    process: 'step made',
    runId,
    foreignId: 'j',
    version: 1,
    attempt,
    traceId: '0af7651916cd43dd8448eb211c80319c',
  })
  expect(world.logged('info', 'from the handler').map((line) => line.fields)).toEqual([
    { ...fields(1), more: 1 },
    { ...fields(2), more: 1 },
  ])
  expect(world.logged('warn', 'the attempt failed').map((line) => line.fields)).toMatchObject([{ ...fields(1), retryInMs: 1_000 }])
  expect(world.logged('error', 'pausing the run').map((line) => line.fields)).toMatchObject([fields(2)])
  expect(JSON.stringify(world.logs)).not.toContain('hunter2')
})
