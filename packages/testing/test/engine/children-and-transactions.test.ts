/** What commits together with a transition: child runs, and rows of the user's own. */
import { type Outcome, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { type Ports, World } from './world.ts'

const parts = workflow('parts', {
  object: unchecked<{ readonly n: number; made?: boolean }>(),
  graph: { cut: { step: ['ready', 'scrap'] }, ready: {}, scrap: {} },
})
const cars = workflow('cars', {
  object: unchecked<{ readonly count: number; summary?: string }>(),
  graph: { ordered: { step: ['building', 'empty'] }, building: { join: ['built', 'ordered'] }, built: {}, empty: {} },
  children: { building: parts },
})
const partsDefinition = parts.addStep('cut', async (run) => {
  run.object.made = true
  return run.object.n % 2 === 0 ? 'ready' : 'scrap'
})
const carsDefinition = cars
  .addStep('ordered', async (run) => {
    for (let n = 0; n < run.object.count; n++) run.startChild(parts, `${run.foreignId}/${n}`, { initialValue: { n } })
    return 'building'
  })
  .addJoin('building', async (run, children) => {
    run.object.summary = children.map(({ status, object }) => `${object.n} ${status}`).join(', ')
    return 'built'
  })

test('children start with the transition, and the join gets their results once all have finished', async () => {
  await using world = new World()
  await world.start((ports) => partsDefinition.build(ports), 'parts')
  const wf = await world.start((ports) => carsDefinition.build(ports), 'cars')
  const runId = await wf.trigger('car', { initialValue: { count: 4 } })
  expect(await world.within(wf.awaitCompletion(runId))).toMatchObject({
    status: 'built',
    object: { summary: '0 ready, 1 scrap, 2 ready, 3 scrap' },
  })
  expect((await wf.history(runId)).items.at(-1)).toMatchObject({ by: 'join' })
})

test('a join without children goes on at once; a cancelled child counts as finished', async () => {
  await using world = new World()
  const wf = await world.start((ports) => carsDefinition.build(ports), 'cars')
  await world.within(wf.awaitCompletion(await wf.trigger('none', { initialValue: { count: 0 } })))
  const runId = await wf.trigger('one', { initialValue: { count: 1 } })
  await world.within(wf.await(runId, 'building'))
  const client = parts.client(world.ports('client'))
  const [child] = (await client.list()).items
  expect(child).toMatchObject({ foreignId: 'one/0', state: 'Initiated' })
  expect((await wf.explain(runId)).waitsFor).toEqual([{ kind: 'children', join: 'building', unfinished: 1 }])
  await client.cancel(child?.runId ?? '', { reason: 'no steel', actor: 'ann' })
  expect(await world.within(wf.awaitCompletion(runId))).toMatchObject({ object: { summary: '0 cut' } })
})

test('a step that dies after its commit starts its children once, and one that fails before it starts none', async () => {
  await using world = new World()
  let fails = 2
  let lost = true
  const failing = cars
    .addStep(
      'ordered',
      async (run) => {
        run.startChild(parts, `${run.foreignId}/x`, { initialValue: { n: 0 } })
        if (fails-- > 0) throw new Error('not yet')
        return 'building'
      },
      { errBackOff: '1s' },
    )
    .addJoin('building', async () => 'built')
  await world.start((ports) => partsDefinition.build(ports), 'parts')
  const client = parts.client(world.ports('client'))
  const wf = await world.start((ports) => failing.build(ports), 'cars', {
    // The reply to the commit that starts the child is lost.
    change: (store) => ({
      ...store,
      commit: async (unit, options) => {
        const result = await store.commit(unit, options)
        if (lost && (unit.changes?.length ?? 0) > 1) {
          lost = false
          throw new Error('connection reset')
        }
        return result
      },
    }),
  })
  const runId = await wf.trigger('car', { initialValue: { count: 1 } })
  await world.turns()
  expect((await client.list()).items).toEqual([])
  await world.within(wf.awaitCompletion(runId))
  expect(lost).toBe(false)
  expect((await client.list()).items).toHaveLength(1)
})

test('children of an earlier round do not satisfy the join of the next', async () => {
  await using world = new World()
  const seen: string[][] = []
  const rounds = cars
    .addStep('ordered', async (run) => {
      run.startChild(parts, `${run.foreignId}/${seen.length}`, { initialValue: { n: seen.length } })
      return 'building'
    })
    .addJoin('building', async (_run, children) => {
      seen.push(children.map(({ foreignId }) => foreignId))
      return seen.length < 3 ? 'ordered' : 'built'
    })
  await world.start((ports) => partsDefinition.build(ports), 'parts')
  const wf = await world.start((ports) => rounds.build(ports), 'cars')
  await world.within(wf.awaitCompletion(await wf.trigger('c', { initialValue: { count: 1 } })))
  expect(seen).toEqual([['c/0'], ['c/1'], ['c/2']])
})

test('a child that cannot start, or starts on the way to nowhere, is an error of the step', async () => {
  await using world = new World()
  const client = parts.client(world.ports('client'))
  await client.trigger('taken', { initialValue: { n: 1 } })
  const wf = await world.start((ports) =>
    cars
      .addStep(
        'ordered',
        async (run) => {
          run.startChild(parts, 'taken', { initialValue: { n: 1 } })
          return run.foreignId === 'astray' ? 'empty' : 'building'
        },
        { errBackOff: '1h' },
      )
      .addJoin('building', async () => 'built')
      .build(ports),
  )
  const taken = await wf.trigger('waits', { initialValue: { count: 1 } })
  const astray = await wf.trigger('astray', { initialValue: { count: 1 } })
  await world.until(async () => (await wf.explain(taken)).lastError !== undefined && (await wf.explain(astray)).lastError !== undefined)
  expect((await wf.explain(taken)).lastError).toMatchObject({
    code: 'InvalidOutcome',
    message: expect.stringContaining("has the foreign id 'taken' and is not finished"),
  })
  expect((await wf.explain(astray)).lastError).toMatchObject({
    code: 'InvalidOutcome',
    message: expect.stringContaining('children start on the way into the status that joins them'),
  })
  expect((await client.list()).items).toHaveLength(1)
})

const books = workflow('books', {
  object: unchecked<{ readonly sum: number }>(),
  graph: { open: { step: ['posted', 'open'] }, posted: {} },
})
const ledger = books.transactional<unknown[]>()

test('rows and transition commit together; a write that throws rolls both back and is tried again', async () => {
  await using world = new World()
  let calls = 0
  const wf = await world.start((ports) =>
    ledger
      .addStep(
        'open',
        async (run) =>
          run.commit('posted', async (tx) => {
            if (++calls === 1) throw new Error('deadlock')
            tx.push([run.runId, run.object.sum])
          }),
        { errBackOff: '1s' },
      )
      .build(ports),
  )
  const runId = await wf.trigger('b', { initialValue: { sum: 5 } })
  await world.within(wf.awaitCompletion(runId))
  expect(world.rows).toEqual([[runId, 5]])
  expect((await wf.history(runId)).items.map(({ version, attempt }) => [version, attempt])).toEqual([
    [1, 1],
    [2, 2],
  ])
})

test("a run that was cancelled meanwhile commits no rows' transition", async () => {
  await using world = new World()
  let outcomes = 0
  const wf = await world.start((ports) =>
    ledger
      .addStep('open', async (run) => {
        await wf.cancel(run.runId, { reason: 'closed', actor: 'ann' })
        outcomes += 1
        return run.commit('posted', async () => undefined)
      })
      .build(ports),
  )
  const runId = await wf.trigger('b', { initialValue: { sum: 5 } })
  await world.pass(5_000)
  expect(outcomes).toBe(1)
  expect(await wf.lookup(runId)).toMatchObject({ state: 'Cancelled', version: 2 })
})

test('a commit to where the graph does not lead, or not returned, is an error of the step', async () => {
  await using world = new World()
  let writes = 0
  const wf = await world.start((ports: Ports) =>
    ledger
      .addStep('open', async (run): Promise<Outcome | 'posted'> => {
        const made = run.commit(run.foreignId === 'astray' ? 'nowhere' : 'posted', async () => {
          writes += 1
        })
        return run.foreignId === 'astray' ? (made as never) : 'posted'
      })
      .build(ports),
  )
  const astray = await wf.trigger('astray', { initialValue: { sum: 1 } })
  const dropped = await wf.trigger('dropped', { initialValue: { sum: 1 } })
  await world.until(async () => (await wf.list({ state: 'Paused' })).items.length === 2)
  expect((await wf.explain(astray)).lastError?.message).toContain("returned 'nowhere'")
  expect((await wf.explain(dropped)).lastError?.message).toContain('made an outcome by run.commit() and returned something else')
  expect(writes).toBe(0)
})

test('a lock elsewhere delays a transaction, and does not make the process spin', async () => {
  await using world = new World()
  let busy = 0
  const wf = await world.start(
    (ports) => ledger.addStep('open', async (run) => run.commit('posted', async () => undefined)).build(ports),
    'a',
    {
      change: (store) => ({
        ...store,
        ...(store.transaction === undefined
          ? {}
          : {
              transaction: (work, options) =>
                store.transaction?.(
                  (tx, commit) =>
                    work(tx, async (unit) => {
                      if (world.clock.now() < Date.UTC(2026, 0, 1, 0, 0, 1)) {
                        busy += 1
                        return { ok: false, reason: 'busy' }
                      }
                      return await commit(unit)
                    }),
                  options,
                ) ?? Promise.reject(new Error('no transactions')),
            }),
      }),
    },
  )
  const runId = await wf.trigger('b', { initialValue: { sum: 1 } })
  await world.within(wf.awaitCompletion(runId))
  expect(busy).toBeGreaterThan(10)
  expect(busy).toBeLessThan(200)
})
