/** moveTo: a person takes a run back, or past what cannot be done; its old stay is over, and nothing of it comes after. */
import { after, isWorkflowError, NonRetryable, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { gate, World } from './world.ts'

interface Loan {
  broken?: boolean
  keys: string[]
}

const loans = workflow('loans', {
  object: unchecked<Loan>(),
  graph: {
    asked: { step: ['checked'] },
    checked: { step: ['offered', 'refused'] },
    offered: { callback: ['taken'], timeout: ['lapsed'] },
    taken: {},
    lapsed: {},
    refused: {},
  },
})
const steps = loans
  .addStep('asked', async (run) => {
    run.object.keys.push(`asked ${run.idempotencyKey.split('/')[1]}`)
    return 'checked'
  })
  .addStep('checked', async (run) => {
    run.object.keys.push(`checked ${run.idempotencyKey.split('/')[1]}`)
    if (run.object.broken === true) throw new NonRetryable('the bureau is closed')
    return 'offered'
  })
const definition = steps.addCallback('offered', async () => 'taken').addTimeout('offered', after('1h'), async () => 'lapsed')
const ann = { reason: 'the bureau was closed', actor: 'ann' }

test('a run goes back, runs again under new keys, and its history says who moved it and why', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const client = loans.client(world.ports('client'))
  const runId = await client.trigger('l', { initialValue: { broken: true, keys: [] } })
  await world.until(async () => (await client.lookup(runId))?.state === 'Paused')
  expect(await client.previewMove(runId, 'asked')).toEqual({
    runId,
    foreignId: 'l',
    version: 3,
    state: 'Paused',
    from: 'checked',
    to: 'asked',
    direction: 'back',
    completes: false,
    runsAgain: [{ version: 2, by: 'step', from: 'asked', to: 'checked', at: expect.any(Date) }],
    skips: [],
    cancels: [{ kind: 'resume', name: 'resume', version: 3, at: expect.any(Date), state: 'open', attempt: 0 }],
    refuses: 0,
    orphans: 0,
  })
  await client.moveTo(runId, 'asked', ann)
  await world.until(async () => (await client.history(runId)).items.length === 6)
  const { items } = await client.history(runId)
  expect(items.map(({ from, to, states, by, actor, reason }) => [from, to, states.join('>'), by, actor, reason])).toEqual([
    [undefined, 'asked', 'Initiated', 'trigger', undefined, undefined],
    ['asked', 'checked', 'Initiated>Running', 'step', undefined, undefined],
    ['checked', 'checked', 'Running>Paused', 'engine', undefined, expect.stringContaining('the bureau is closed')],
    ['checked', 'asked', 'Paused>Running', 'person', 'ann', 'the bureau was closed'],
    ['asked', 'checked', 'Running', 'step', undefined, undefined],
    ['checked', 'checked', 'Running>Paused', 'engine', undefined, expect.stringContaining('the bureau is closed')],
  ])
  expect((await wf.lookup(runId))?.object).toMatchObject({ keys: ['asked 1', 'asked 4'] })
  // The pause that the move ended does not end a second time, and takes nothing with it.
  expect((await wf.timers(runId)).items.map(({ kind, state }) => [kind, state])).toEqual([
    ['resume', 'cancelled'],
    ['resume', 'open'],
  ])
})

test('a run goes forward past what cannot be done: a client without code opens the timers of the new stay, once', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const client = loans.client(world.ports('client'))
  const runId = await client.trigger('l', { initialValue: { broken: true, keys: [] } })
  await world.until(async () => (await client.lookup(runId))?.state === 'Paused')
  expect(await client.previewMove(runId, 'offered')).toMatchObject({ direction: 'forward', skips: [], runsAgain: [], completes: false })
  expect(await client.previewMove(runId, 'taken')).toMatchObject({ direction: 'forward', skips: ['offered'], completes: true })
  await client.moveTo(runId, 'offered', ann)
  const timer = { kind: 'timeout', name: expect.any(String), version: 4, at: expect.any(Date), state: 'open', attempt: 0 }
  await world.until(async () => (await client.timers(runId)).items.some(({ kind }) => kind === 'timeout'))
  expect((await client.timers(runId)).items.filter(({ kind }) => kind === 'timeout')).toEqual([timer])
  expect((await wf.explain(runId)).waitsFor).toEqual([
    { kind: 'callback', status: 'offered', queued: 0 },
    { kind: 'timer', name: timer.name, at: expect.any(Date), held: false },
  ])
  await world.pass(3_600_000 + 1_000)
  expect(await client.lookup(runId)).toMatchObject({ status: 'lapsed', state: 'Completed' })
  expect((await client.timers(runId)).items.map(({ state }) => state)).not.toContain('open')
})

test('the timers of a stay entered by hand are opened after a pause, and after a death in between', async () => {
  await using world = new World()
  const client = loans.client(world.ports('client'))
  const runId = await client.trigger('l', { initialValue: { keys: [] } })
  await client.pause(runId, ann)
  await client.moveTo(runId, 'offered', ann)
  await client.pause(runId, ann)
  const wf = await world.start((ports) => definition.build(ports))
  await world.pass(10_000)
  expect((await client.timers(runId)).items).toEqual([])
  await client.resume(runId, ann)
  await world.until(async () => (await client.timers(runId)).items.length === 1)
  await wf.callback({ runId }, 'offered')
  await world.within(wf.awaitCompletion(runId))
  expect((await client.timers(runId)).items.map(({ state }) => state)).toEqual(['cancelled'])
})

test('into a terminal status a move completes the run, hooks and awaits included', async () => {
  await using world = new World()
  const completed: string[] = []
  const wf = await world.start((ports) =>
    definition.onComplete(async (run) => void completed.push(`${run.runId} ${run.status}`)).build(ports),
  )
  const runId = await wf.trigger('l', { initialValue: { broken: true, keys: [] } })
  await world.until(async () => (await wf.lookup(runId))?.state === 'Paused')
  const end = wf.awaitCompletion(runId)
  await wf.moveTo(runId, 'refused', ann)
  expect(await world.within(end)).toMatchObject({ status: 'refused', state: 'Completed', finishedAt: expect.any(Date) })
  await world.until(() => completed.length > 0)
  expect(completed).toEqual([`${runId} refused`])
  expect((await wf.history(runId)).items.at(-1)?.states).toEqual(['Paused', 'Running', 'Completed'])
})

test('only a run that is paused or has failed is moved; anything else is IllegalMove and stays as it was', async () => {
  await using world = new World()
  const client = loans.client(world.ports('client'))
  const fresh = await client.trigger('fresh', { initialValue: { keys: [] } })
  const cancelled = await client.trigger('cancelled', { initialValue: { keys: [] } })
  await client.cancel(cancelled, ann)
  const gone = await client.trigger('gone', { initialValue: { keys: [] } })
  await client.cancel(gone, ann)
  await client.deleteData(gone, ann)
  for (const [runId, text] of [
    [fresh, 'pause it first'],
    [cancelled, 'retry()'],
    [gone, 'its data is deleted'],
  ] as const) {
    const before = await client.lookup(runId)
    for (const call of [client.moveTo(runId, 'asked', ann), client.previewMove(runId, 'asked')]) {
      const error: unknown = await call.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(isWorkflowError(error, 'IllegalMove')).toBe(true)
      expect((error as Error).message).toContain(text)
      expect((error as Error).message).toContain(runId)
    }
    expect(await client.lookup(runId)).toEqual(before)
  }
  await expect(client.moveTo(fresh, 'aksed' as never, ann)).rejects.toMatchObject({ code: 'InvalidArgument' })
  await expect(client.moveTo('nobody', 'asked', ann)).rejects.toMatchObject({ code: 'RunNotFound' })
  await expect(client.moveTo(fresh, 'asked', {} as never)).rejects.toMatchObject({ code: 'InvalidArgument' })
})

test('a failing run is moved while its handler is at work: what the handler returns is not committed', async () => {
  await using world = new World()
  const second = gate()
  const release = gate()
  let attempts = 0
  const flaky = workflow('flaky', { object: unchecked<object>(), graph: { a: { step: ['b'] }, b: { callback: ['c'] }, c: {} } })
  const wf = await world.start((ports) =>
    flaky
      .addStep('a', async () => {
        if (++attempts === 1) throw new Error('not yet')
        if (attempts === 2) {
          second.resolve()
          await release.promise
        }
        return 'b'
      })
      .addCallback('b', async () => 'c')
      .build(ports),
  )
  const runId = await wf.trigger('f', { initialValue: {} })
  await world.within(second.promise)
  await wf.moveTo(runId, 'a', ann)
  release.resolve()
  await world.within(wf.await(runId, 'b'))
  const { items } = await wf.history(runId)
  expect(items.map(({ by, to, attempt }) => [by, to, attempt])).toEqual([
    ['trigger', 'a', 1],
    ['person', 'a', 1],
    ['step', 'b', 1],
  ])
  expect(attempts).toBe(3)
})

test('callbacks that were accepted for the stay are refused, those that wait for any stay are kept', async () => {
  await using world = new World()
  let handled = 0
  const wf = await world.start((ports) =>
    steps
      .addCallback('offered', async () => {
        handled += 1
        throw new NonRetryable('cannot take it')
      })
      .addTimeout('offered', after('1h'), async () => 'lapsed')
      .build(ports),
  )
  const runId = await wf.trigger('l', { initialValue: { keys: [] } })
  await world.within(wf.await(runId, 'offered'))
  await wf.callback({ runId }, 'offered', undefined, { key: 'poison' })
  await world.until(async () => (await wf.lookup(runId))?.state === 'Paused')
  await wf.callback({ runId }, 'offered', undefined, { key: 'any', queue: true })
  expect(await wf.previewMove(runId, 'offered')).toMatchObject({ direction: 'again', refuses: 1, runsAgain: [] })
  await wf.moveTo(runId, 'offered', ann)
  await world.until(() => handled === 2)
  expect(world.logged('warn', 'refusing a callback for a stay that is over').map(({ fields }) => fields['callback'])).toEqual(['poison'])
})

test('children of the stay that is left go on, and the stay that is entered anew waits for none of them', async () => {
  await using world = new World()
  const parts = workflow('parts', { object: unchecked<object>(), graph: { made: { callback: ['done'] }, done: {} } })
  const wholes = workflow('wholes', {
    object: unchecked<object>(),
    graph: { start: { step: ['waiting'] }, waiting: { join: ['whole'] }, whole: {} },
    children: { waiting: parts },
  })
  const children = await world.start((ports) => parts.addCallback('made', async () => 'done').build(ports), 'p')
  const wf = await world.start((ports) =>
    wholes
      .addStep('start', async (run) => {
        run.startChild(parts, `part ${run.version}`, { initialValue: {} })
        return 'waiting'
      })
      .addJoin('waiting', async () => 'whole')
      .build(ports),
  )
  const runId = await wf.trigger('w', { initialValue: {} })
  await world.within(wf.await(runId, 'waiting'))
  await wf.pause(runId, ann)
  expect(await wf.previewMove(runId, 'start')).toMatchObject({ orphans: 1, runsAgain: [{ by: 'step', from: 'start', to: 'waiting' }] })
  await wf.moveTo(runId, 'start', ann)
  await world.until(async () => (await wf.history(runId)).items.length === 5)
  const listed = await children.list({ parentRunId: runId, order: 'oldest' })
  expect(listed.items.map(({ foreignId, parent }) => [foreignId, parent?.status])).toEqual([
    ['part 1', 'waiting'],
    ['part 4', 'waiting'],
  ])
  await children.callback({ foreignId: 'part 4' }, 'made')
  expect(await world.within(wf.awaitCompletion(runId))).toMatchObject({ status: 'whole' })
  expect(await children.count('state', { parentRunId: runId })).toEqual(
    new Map([
      ['Completed', 1],
      ['Initiated', 1],
    ]),
  )
})

test('a move of a child into its end wakes the parent that waits for it', async () => {
  await using world = new World()
  const parts = workflow('parts', { object: unchecked<object>(), graph: { made: { callback: ['done'] }, done: {} } })
  const wholes = workflow('wholes', {
    object: unchecked<object>(),
    graph: { start: { step: ['waiting'] }, waiting: { join: ['whole'] }, whole: {} },
    children: { waiting: parts },
  })
  const wf = await world.start((ports) =>
    wholes
      .addStep('start', async (run) => {
        run.startChild(parts, 'part', { initialValue: {} })
        return 'waiting'
      })
      .addJoin('waiting', async () => 'whole')
      .build({ ...ports, sweepFrequency: '1h' }),
  )
  const client = parts.client(world.ports('client'))
  const runId = await wf.trigger('w', { initialValue: {} })
  await world.within(wf.await(runId, 'waiting'))
  const [child] = (await client.list()).items
  await client.pause(child?.runId ?? '', ann)
  await client.moveTo(child?.runId ?? '', 'done', ann)
  await world.within(wf.awaitCompletion(runId))
})

test('ifVersion: whoever acts on what has moved since is told so, and nothing changes', async () => {
  await using world = new World()
  const client = loans.client(world.ports('client'))
  const runId = await client.trigger('l', { initialValue: { keys: [] } })
  await client.pause(runId, { ...ann, ifVersion: 1 })
  const before = await client.lookup(runId)
  const stale = { ...ann, ifVersion: 1 }
  for (const call of [
    () => client.pause(runId, stale),
    () => client.resume(runId, stale),
    () => client.cancel(runId, stale),
    () => client.moveTo(runId, 'asked', stale),
  ]) {
    await expect(call()).rejects.toMatchObject({ code: 'StaleVersion', details: { runId, version: 2, runState: 'Paused' } })
  }
  await expect(client.pause(runId, { ...ann, ifVersion: 0 })).rejects.toMatchObject({ code: 'InvalidArgument' })
  expect(await client.lookup(runId)).toEqual(before)
  await client.cancel(runId, { ...ann, ifVersion: 2 })
  await expect(client.deleteData(runId, stale)).rejects.toMatchObject({ code: 'StaleVersion' })
  await expect(client.retry(runId, { audit: stale })).rejects.toMatchObject({ code: 'StaleVersion' })
  const next = await client.retry(runId, { audit: { ...ann, ifVersion: 3 } })
  expect((await client.history(next)).items).toMatchObject([{ by: 'trigger', actor: 'ann', reason: 'the bureau was closed' }])
})
