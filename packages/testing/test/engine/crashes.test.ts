/** Instances that die, lose their roles or share their work: nothing is lost, nothing doubles. */
import { after, unchecked, workflow } from '@workflow/core'
import { roleOf } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { gate, type Ports, World } from './world.ts'

interface Job {
  readonly kind?: 'poison'
  log: string[]
}

const jobs = workflow('jobs', {
  object: unchecked<Job>(),
  graph: { created: { step: ['working'] }, working: { step: ['done'] }, done: {} },
})
const job = (more: Partial<Job> = {}): Job => ({ log: [], ...more })
const never = new Promise<never>(() => undefined)

test('a run that was in hand when its process died is done by another, under the same idempotency key', async () => {
  await using world = new World()
  const keys: string[] = []
  const reached = gate()
  const worker = (name: string) => (ports: Ports) =>
    jobs
      .addStep('created', async () => 'working')
      .addStep('working', async (run) => {
        keys.push(run.idempotencyKey)
        if (name === 'a') {
          reached.resolve()
          await never
        }
        return 'done'
      })
      .build(ports)
  const a = await world.start(worker('a'), 'a')
  const runId = await a.trigger('j', { initialValue: job() })
  await world.within(reached.promise)
  world.kill('a')
  const b = await world.start(worker('b'), 'b')
  await world.within(b.awaitCompletion(runId))
  expect(keys).toEqual([`${runId}/2/0`, `${runId}/2/0`])
  expect((await b.history(runId)).items.map(({ version, instance }) => [version, instance])).toEqual([
    [1, 'a'],
    [2, 'a'],
    [3, 'b'],
  ])
})

test('two instances share the slots, and each run is handled by one of them', async () => {
  await using world = new World()
  const by = new Map<string, string[]>()
  const worker = (name: string) => (ports: Ports) =>
    jobs
      .addStep('created', async (run) => {
        by.set(run.runId, [...(by.get(run.runId) ?? []), name])
        return 'working'
      })
      .addStep('working', async () => 'done')
      .build(ports)
  const a = await world.start(worker('a'), 'a', { slots: 8 })
  const b = await world.start(worker('b'), 'b', { slots: 8 })
  await world.pass(10_000)
  const roles = Array.from({ length: 8 }, (_, slot) => roleOf('jobs', slot))
  const holders = await world.ports('probe').roleScheduler.holders(roles)
  const count = (name: string): number => [...holders.values()].filter(({ instance }) => instance === name).length
  expect([count('a'), count('b')]).toEqual([4, 4])
  const ids = await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? a : b).trigger(`j${i}`, { initialValue: job() })))
  for (const id of ids) await world.within(a.awaitCompletion(id))
  expect([...by.values()].every((names) => names.length === 1)).toBe(true)
  expect(new Set([...by.values()].flat())).toEqual(new Set(['a', 'b']))
})

test('when one stops, the other has everything at once; what was in hand is finished first', async () => {
  await using world = new World()
  const reached = gate()
  const go = gate()
  let calls = 0
  const worker = (ports: Ports) =>
    jobs
      .addStep('created', async () => {
        calls += 1
        reached.resolve()
        await go.promise
        return 'working'
      })
      .addStep('working', async () => 'done')
      .build(ports)
  const a = await world.start(worker, 'a')
  const runId = await a.trigger('j', { initialValue: job() })
  await world.within(reached.promise)
  const b = await world.start(worker, 'b')
  const stopping = a.stop()
  await world.turns()
  expect(a.states().every(({ state }) => state !== 'shutdown')).toBe(true)
  const at = world.clock.now()
  go.resolve()
  await world.within(stopping)
  await world.within(b.awaitCompletion(runId))
  expect(world.clock.now() - at).toBeLessThan(2_000)
  expect(calls).toBe(1)
})

test.each([
  ['has just been fenced', 0],
  ['has been told', 5_000],
])(
  'a holder that lost its role and %s stops its handler and commits nothing any more: one transition, by the new one',
  async (_what, ms) => {
    await using world = new World()
    const reached = gate()
    const go = gate()
    const aborted: unknown[] = []
    const worker = (name: string) => (ports: Ports) =>
      jobs
        .addStep('created', async () => 'working')
        .addStep('working', async (run) => {
          run.object.log.push(name)
          if (name === 'a') {
            run.signal.addEventListener('abort', () => aborted.push(run.signal.reason))
            reached.resolve()
            await go.promise
          }
          return 'done'
        })
        .build(ports)
    const a = await world.start(worker('a'), 'a', { slots: 1 })
    const runId = await a.trigger('j', { initialValue: job() })
    await world.within(reached.promise)
    world.database.roles.steal(roleOf('jobs', 0))
    const b = await world.start(worker('b'), 'b', { slots: 1 })
    const done = await world.within(b.awaitCompletion(runId))
    await world.pass(ms)
    go.resolve()
    await world.turns()
    expect(done).toMatchObject({ version: 3, object: { log: ['b'] } })
    expect(await b.lookup(runId)).toMatchObject({ version: 3, object: { log: ['b'] } })
    expect(aborted).toMatchObject([{ code: 'LeaseLost' }])
  },
)

test('a run that kills its process runs alone in the end, is paused for a person, and its neighbours get through', async () => {
  await using world = new World()
  let deaths = 0
  let together = 0
  const running = new Set<string>()
  const worker = (name: string) => (ports: Ports) =>
    jobs
      .addStep(
        'created',
        async (run) => {
          running.add(run.foreignId)
          if (run.object.kind === 'poison') {
            deaths += 1
            if (deaths > 3) together += running.size - 1
            running.clear()
            world.kill(name)
            await never
          }
          await Promise.resolve()
          running.delete(run.foreignId)
          return 'working'
        },
        { parallelCount: 10 },
      )
      .addStep('working', async () => 'done')
      .build(ports)
  const client = jobs.client(world.ports('client', { slots: 1 }))
  const ids: string[] = []
  for (let i = 0; i < 3; i++) ids.push(await client.trigger(`before ${i}`, { initialValue: job() }))
  const poison = await client.trigger('poison', { initialValue: job({ kind: 'poison' }) })
  for (let i = 0; i < 3; i++) ids.push(await client.trigger(`behind ${i}`, { initialValue: job() }))
  for (let life = 0; life < 12; life++) {
    await world.start(worker(`life ${life}`), `life ${life}`, { slots: 1, autoResume: '1m' })
    await world.pass(10_000)
  }
  for (const id of ids) expect(await client.lookup(id)).toMatchObject({ status: 'done' })
  expect(await client.lookup(poison)).toMatchObject({ state: 'Paused', status: 'created' })
  expect((await client.explain(poison)).text).toMatch(/the process died 5 times while it had this run in hand, 3 times with nothing else/)
  expect(deaths).toBe(6)
  expect(together).toBe(0)
  await world.pass(3_600_000)
  expect(await client.lookup(poison)).toMatchObject({ state: 'Paused' })
})

test("a run that only fails after somebody's death is not suspected of it", async () => {
  await using world = new World()
  let calls = 0
  const worker = (ports: Ports) =>
    jobs
      .addStep(
        'created',
        async () => {
          if (++calls < 9) throw new Error('the bank is closed')
          return 'working'
        },
        { errBackOff: '4s' },
      )
      .addStep('working', async () => 'done')
      .build(ports)
  const first = await world.start(worker, 'a')
  await world.turns()
  world.kill('a')
  const b = await world.start(worker, 'b')
  const runId = await b.trigger('j', { initialValue: job() })
  void first
  await world.pass(60_000)
  expect(await b.lookup(runId)).toMatchObject({ status: 'done' })
  expect(calls).toBe(9)
})

test('a schedule of deaths at every moment loses and doubles nothing', async () => {
  await using world = new World()
  const effects = new Map<string, number>()
  const worker = (ports: Ports) =>
    jobs
      .addStep(
        'created',
        async (run) => {
          effects.set(run.idempotencyKey, (effects.get(run.idempotencyKey) ?? 0) + 1)
          return 'working'
        },
        { parallelCount: 4 },
      )
      .addStep(
        'working',
        async (run) => {
          run.object.log.push('worked')
          return 'done'
        },
        { parallelCount: 4 },
      )
      .build(ports)
  const client = jobs.client(world.ports('client'))
  const ids = await Promise.all(Array.from({ length: 60 }, (_, i) => client.trigger(`j${i}`, { initialValue: job() })))
  for (let life = 0; life < 12; life++) {
    await world.start(worker, `life ${life}`, { maxInFlight: 8 })
    await world.turns(life)
    world.kill(`life ${life}`)
    await world.pass(4_000)
  }
  const last = await world.start(worker, 'last')
  for (const id of ids) await world.within(last.awaitCompletion(id))
  for (const id of ids) {
    const { items } = await last.history(id, { objects: true })
    expect(items.map(({ version, to }) => `${version} ${to}`)).toEqual(['1 created', '2 working', '3 done'])
    expect(items.at(-1)?.object?.log).toEqual(['worked'])
  }
  expect(effects.size).toBe(60)
})

test('code of a newer generation takes over from older code', async () => {
  await using world = new World()
  const by: string[] = []
  const worker = (name: string) => (ports: Ports) =>
    jobs
      .addStep('created', async () => {
        by.push(name)
        return 'working'
      })
      .addStep('working', async () => 'done')
      .build(ports)
  const old = await world.start(worker('old'), 'old', { slots: 1, generation: 1 })
  await world.within(old.awaitCompletion(await old.trigger('j1', { initialValue: job() })))
  await world.start(worker('new'), 'new', { slots: 1, generation: 2 })
  await world.pass(10_000)
  await world.within(old.awaitCompletion(await old.trigger('j2', { initialValue: job() })))
  expect(by).toEqual(['old', 'new'])
})

test('nothing of a run waits in a process: its timer, its retry and its pause go on elsewhere', async () => {
  const all = workflow('all', {
    object: unchecked<{ kind: 'timer' | 'retry' | 'pause' }>(),
    graph: { start: { step: ['open'] }, open: { timeout: ['done'], callback: ['done'] }, done: {} },
  })
  await using world = new World()
  let broken = true
  const worker = (ports: Ports) =>
    all
      .addStep(
        'start',
        async (run) => {
          if (broken && run.object.kind !== 'timer') throw new Error('down')
          return 'open'
        },
        { errBackOff: '1m', pauseAfterErrCount: 2 },
      )
      .addTimeout('open', after('10m'), async () => 'done')
      .addCallback('open', async () => 'done')
      .build(ports)
  const a = await world.start(worker, 'a', { autoResume: '5m' })
  const timer = await a.trigger('t', { initialValue: { kind: 'timer' } })
  const pause = await a.trigger('p', { initialValue: { kind: 'pause' } })
  await world.pass(65_000)
  const retry = await a.trigger('r', { initialValue: { kind: 'retry' } })
  await world.pass(5_000)
  expect((await a.explain(pause)).waitsFor).toMatchObject([{ kind: 'person', pausedBy: 'engine', resumeAt: expect.any(Date) }])
  expect((await a.explain(retry)).waitsFor).toMatchObject([{ kind: 'retry', attempt: 2 }])
  world.kill('a')
  broken = false
  const b = await world.start(worker, 'b', { autoResume: '5m' })
  await world.pass(20 * 60_000)
  for (const id of [timer, retry, pause]) expect(await b.lookup(id)).toMatchObject({ status: 'done' })
  expect((await b.history(retry)).items.find(({ to }) => to === 'open')).toMatchObject({ attempt: 2 })
})
