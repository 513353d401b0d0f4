/** Failed attempts are kept with the run: those of the version in hand in `explain`, the others with the move that came after. */
import { NonRetryable, StoreCorrupt, unchecked, workflow } from '@workflow/core'
import { jsonCodec } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { World } from './world.ts'

const calls = workflow('calls', {
  object: unchecked<{ failures: number; fatal?: boolean }>(),
  graph: { dialled: { step: ['answered'] }, answered: {} },
})
const definition = (done: () => boolean) =>
  calls.addStep(
    'dialled',
    async (run) => {
      if (run.attempt <= run.object.failures) throw new Error(`attempt ${run.attempt}: ${'busy '.repeat(1_000)}`)
      if (run.object.fatal === true) throw new NonRetryable('disconnected')
      if (!done()) throw new Error('not yet')
      return 'answered'
    },
    { errBackOff: '100ms' },
  )

test('a move that came after failures tells of each of them, with time, instance and process', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition(() => true).build(ports))
  const start = world.clock.now()
  const runId = await wf.trigger('c', { initialValue: { failures: 3 } })
  await world.within(wf.awaitCompletion(runId))
  const entry = (await wf.history(runId)).items.at(-1)
  expect(entry).toMatchObject({ by: 'step', attempt: 4 })
  expect(entry).not.toHaveProperty('error')
  expect(
    entry?.failures?.map(({ attempt, process, instance, name, message }) => [attempt, process, instance, name, message.length]),
  ).toEqual([
    [1, 'step dialled', entry?.instance, 'Error', 1_025],
    [2, 'step dialled', entry?.instance, 'Error', 1_025],
    [3, 'step dialled', entry?.instance, 'Error', 'attempt 3: '.length + 5_000],
  ])
  expect(entry?.failures?.map(({ stack }) => stack === undefined)).toEqual([true, true, false])
  for (const failure of entry?.failures ?? []) {
    expect(failure.startedAt.getTime()).toBeGreaterThanOrEqual(start)
    expect(failure.durationMs).toBeGreaterThanOrEqual(0)
  }
})

test('of many failures the last eleven are kept, in explain while the run is still there, across a crash', async () => {
  await using world = new World()
  let done = false
  const build = definition(() => done)
  const first = await world.start((ports) => build.build(ports), 'a')
  const runId = await first.trigger('c', { initialValue: { failures: 20 } })
  await world.until(async () => ((await first.explain(runId)).lastError?.attempt ?? 0) >= 6)
  world.kill('a')
  const second = await world.start((ports) => build.build(ports), 'b')
  await world.until(async () => ((await second.explain(runId)).lastError?.attempt ?? 0) >= 14)
  const { failures } = await second.explain(runId)
  expect(failures).toHaveLength(11)
  const last = failures.at(-1)?.attempt ?? 0
  expect(failures.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 11 }, (_, index) => last - 10 + index))
  expect(new Set(failures.map(({ instance }) => instance)).size).toBe(2)
  done = true
  await world.within(second.awaitCompletion(runId))
  expect((await second.history(runId)).items.at(-1)?.failures).toHaveLength(11)
})

test('a pause by the engine tells why, and of what was before; a person who acts on a failing run keeps them, too', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition(() => false).build({ ...ports, autoResume: false }))
  const paused = await wf.trigger('paused', { initialValue: { failures: 1, fatal: true } })
  await world.until(async () => (await wf.lookup(paused))?.state === 'Paused')
  const entry = (await wf.history(paused)).items.at(-1)
  expect(entry).toMatchObject({ by: 'engine', error: { name: 'NonRetryable', message: 'disconnected' } })
  expect(entry?.error).not.toHaveProperty('made')
  expect(entry?.failures?.map(({ attempt, name }) => [attempt, name])).toEqual([
    [1, 'Error'],
    [2, 'NonRetryable'],
  ])
  const failing = await wf.trigger('failing', { initialValue: { failures: 0 } })
  await world.until(async () => (await wf.explain(failing)).lastError?.attempt === 2)
  await wf.cancel(failing, { actor: 'ann', reason: 'enough' })
  const end = (await wf.history(failing)).items.at(-1)
  expect(end).toMatchObject({ by: 'person', actor: 'ann', failures: [{ message: 'not yet' }, { message: 'not yet' }] })
  expect(end).not.toHaveProperty('error')
  await wf.deleteData(failing, { actor: 'ann', reason: 'asked to' })
  await world.until(async () => (await wf.lookup(failing))?.state === 'DataDeleted')
  for (const { failures } of (await wf.history(failing)).items) expect(failures).toBeUndefined()
})

test('failures that cannot be read any more do not keep the next one from being counted', async () => {
  await using world = new World()
  const codec: typeof jsonCodec = {
    ...jsonCodec,
    decode: (payload, context) => {
      if (context.kind === 'error') throw new StoreCorrupt('garbage')
      return jsonCodec.decode(payload, context)
    },
  }
  const wf = await world.start((ports) => definition(() => true).build({ ...ports, codec, sweepFrequency: '1h' }))
  const runId = await wf.trigger('c', { initialValue: { failures: 3 } })
  expect(await world.within(wf.awaitCompletion(runId))).toMatchObject({ status: 'answered' })
})
