/** Callbacks: handed in from anywhere, handled in order by the worker, never dropped. */
import { isWorkflowError, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, World } from './world.ts'

interface Doc {
  readonly id: string
  readonly got: string[]
}

const docs = workflow('docs', {
  object: unchecked<Doc>(),
  graph: {
    draft: { step: ['review'] },
    review: { callback: ['review', 'signed', 'refused'] },
    signed: { callback: ['archived'] },
    archived: {},
    refused: {},
  },
  payloads: { review: z.object({ by: z.string(), next: z.enum(['review', 'signed', 'refused', 'skip', 'throw']) }) },
})
const doc = (): Doc => ({ id: 'd', got: [] })
const definition = docs
  .addStep('draft', async () => 'review')
  .addCallback('review', async (run, payload) => {
    run.object.got.push(payload.by)
    if (payload.next === 'throw') throw new Error(`no ${payload.by}`)
    return payload.next === 'skip' ? run.skip() : payload.next
  })
  .addCallback('signed', async () => 'archived')

async function inReview(world: World, wf: ReturnType<typeof definition.build>, foreignId = 'd1'): Promise<string> {
  const runId = await wf.trigger(foreignId, { initialValue: doc() })
  await world.within(wf.await(runId, 'review'))
  return runId
}
test('a callback moves a waiting run, by run id and by foreign id, from a process without handlers', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const client = docs.client(world.ports('client'))
  const runId = await inReview(world, wf)
  expect(await client.callback({ foreignId: 'd1' }, 'review', { by: 'ann', next: 'signed' })).toEqual({
    runId,
    key: expect.any(String),
    queued: false,
  })
  await world.within(client.await(runId, 'signed'))
  await client.callback({ runId }, 'signed')
  expect((await world.within(client.awaitCompletion(runId))).object.got).toEqual(['ann'])
})
test('with wait it answers the run as the callback left it', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const runId = await inReview(world, wf)
  const left = await world.within(wf.callback({ runId }, 'review', { by: 'ann', next: 'signed' }, { wait: true }))
  expect(left).toMatchObject({ status: 'signed', object: { got: ['ann'] } })
  const skipped = await inReview(world, wf, 'd2')
  expect(await world.within(wf.callback({ runId: skipped }, 'review', { by: 'bob', next: 'skip' }, { wait: true }))).toMatchObject({
    status: 'review',
    object: { got: ['bob'] },
  })
})
test("with wait it rejects with the handler's error, and the callback stays for another attempt", async () => {
  await using world = new World()
  let fails = true
  const wf = await world.start((ports) =>
    docs
      .addStep('draft', async () => 'review')
      .addCallback(
        'review',
        async () => {
          if (fails) throw new Error('printer on fire')
          return 'signed'
        },
        { errBackOff: '2s' },
      )
      .addCallback('signed', async () => 'archived')
      .build(ports),
  )
  const runId = await inReview(world, wf)
  const failed = world.within(wf.callback({ runId }, 'review', { by: 'ann', next: 'signed' }, { wait: true, key: 'k' }))
  await expect(failed).rejects.toMatchObject({ code: 'CallbackFailed', message: expect.stringContaining('printer on fire') })
  fails = false
  await world.within(wf.await(runId, 'signed'))
})
test('callbacks are handled in the order in which they were accepted, one at a time', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const runId = await inReview(world, wf)
  for (const by of ['1', '2', '3', '4', '5']) await wf.callback({ runId }, 'review', { by, next: 'skip' })
  await wf.callback({ runId }, 'review', { by: '6', next: 'signed' })
  expect((await world.within(wf.await(runId, 'signed'))).object.got).toEqual(['1', '2', '3', '4', '5', '6'])
})
test('one that was accepted for an earlier stay is refused aloud, also where it was waited for', async () => {
  await using world = new World()
  const entered = gate()
  const go = gate()
  const wf = await world.start((ports) =>
    docs
      .addStep('draft', async () => 'review')
      .addCallback('review', async (run, { by, next }) => {
        run.object.got.push(by)
        if (by === 'first') {
          entered.resolve()
          await go.promise
        }
        return next === 'review' ? 'review' : 'signed'
      })
      .addCallback('signed', async () => 'archived')
      .build(ports),
  )
  const runId = await inReview(world, wf)
  await wf.callback({ runId }, 'review', { by: 'first', next: 'review' })
  await world.within(entered.promise)
  // Accepted for the stay that the first one is about to end.
  const second = world.within(wf.callback({ runId }, 'review', { by: 'second', next: 'signed' }, { wait: true }))
  await world.turns()
  go.resolve()
  await expect(second).rejects.toThrow(/left 'review'/)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'review', object: { got: ['first'] } })
  expect(world.logged('warn', 'refusing a callback for a stay that is over')).toHaveLength(1)
  await wf.callback({ runId }, 'review', { by: 'third', next: 'signed' })
  expect((await world.within(wf.await(runId, 'signed'))).object.got).toEqual(['first', 'third'])
})
test('one that comes early says so, and with queue it waits in the inbox for the status', async () => {
  await using world = new World()
  const go = gate()
  const wf = await world.start((ports) =>
    docs
      .addStep('draft', async () => {
        await go.promise
        return 'review'
      })
      .addCallback('review', async (run, { by }) => {
        run.object.got.push(by)
        return 'signed'
      })
      .addCallback('signed', async () => 'archived')
      .build(ports),
  )
  const runId = await wf.trigger('d1', { initialValue: doc() })
  await expect(wf.callback({ runId }, 'review', { by: 'ann', next: 'signed' })).rejects.toMatchObject({
    code: 'RunNotWaiting',
    message: expect.stringContaining('queue: true'),
  })
  expect(await wf.callback({ runId }, 'review', { by: 'bob', next: 'signed' }, { queue: true })).toMatchObject({ queued: true })
  go.resolve()
  expect((await world.within(wf.await(runId, 'signed'))).object.got).toEqual(['bob'])
})
test('one that meets a paused run waits with queue until the run is resumed', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const runId = await inReview(world, wf)
  await wf.pause(runId, { reason: 'audit', actor: 'eve' })
  await expect(wf.callback({ runId }, 'review', { by: 'ann', next: 'signed' })).rejects.toMatchObject({ code: 'RunNotWaiting' })
  const handled = world.within(wf.callback({ runId }, 'review', { by: 'ann', next: 'signed' }, { queue: true, wait: true }))
  await world.pass(5_000)
  expect(await wf.lookup(runId)).toMatchObject({ state: 'Paused', object: { got: [] } })
  await wf.resume(runId, { reason: 'fine', actor: 'eve' })
  expect(await handled).toMatchObject({ status: 'signed', object: { got: ['ann'] } })
})
test('the same key is the same callback: sent again while it waits, and after it was handled, it changes nothing', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const runId = await inReview(world, wf)
  const send = (): Promise<unknown> => wf.callback({ runId }, 'review', { by: 'ann', next: 'skip' }, { key: 'once' })
  await Promise.all([send(), send(), send()])
  await world.until(async () => (await wf.lookup(runId))?.version === 3)
  await send()
  await wf.callback({ runId }, 'review', { by: 'bob', next: 'signed' })
  await world.within(wf.await(runId, 'signed'))
  expect(await send()).toMatchObject({ runId, key: 'once' })
  await wf.callback({ runId }, 'signed', undefined, { wait: true }).catch(() => undefined)
  expect((await world.within(wf.awaitCompletion(runId))).object.got).toEqual(['ann', 'bob'])
  expect(await send()).toMatchObject({ runId, key: 'once' })
})

test('an accepted callback goes before a timeout that expires later, even when nobody was there to handle it', async () => {
  const waits = workflow('waits', {
    object: unchecked<{ end?: string }>(),
    graph: { open: { callback: ['answered'], timeout: ['expired'] }, answered: {}, expired: {} },
  })
  await using world = new World()
  const made = waits.addCallback('open', async () => 'answered').addTimeout('open', { '~timer': '10s' }, async () => 'expired')
  const first = await world.start((ports) => made.build(ports))
  const runId = await first.trigger('w', { initialValue: {} })
  await world.pass(1_000)
  await world.within(first.stop())
  const client = waits.client(world.ports('client'))
  await client.callback({ runId }, 'open')
  await world.pass(60_000)
  const second = await world.start((ports) => made.build(ports), 'b')
  expect(await world.within(second.awaitCompletion(runId))).toMatchObject({ status: 'answered' })
})

test("a callback that is accepted while the timeout's handler runs goes first", async () => {
  const waits = workflow('waits', {
    object: unchecked<{}>(),
    graph: { open: { callback: ['answered'], timeout: ['expired'] }, answered: {}, expired: {} },
  })
  await using world = new World()
  const entered = gate()
  const go = gate()
  const wf = await world.start((ports) =>
    waits
      .addCallback('open', async () => 'answered')
      .addTimeout('open', { '~timer': '10s' }, async () => {
        entered.resolve()
        await go.promise
        return 'expired'
      })
      .build(ports),
  )
  const runId = await wf.trigger('w', { initialValue: {} })
  await world.within(entered.promise)
  await wf.callback({ runId }, 'open')
  go.resolve()
  expect(await world.within(wf.awaitCompletion(runId))).toMatchObject({ status: 'answered' })
})

test('a callback that waits out a back-off does not take the timeout with it', async () => {
  const waits = workflow('waits', {
    object: unchecked<{}>(),
    graph: { open: { callback: ['answered'], timeout: ['expired'] }, answered: {}, expired: {} },
  })
  await using world = new World()
  let calls = 0
  const wf = await world.start((ports) =>
    waits
      .addCallback(
        'open',
        async (run) => {
          if (++calls === 1) throw new Error('not yet')
          return run.skip()
        },
        { errBackOff: '30s' },
      )
      .addTimeout('open', { '~timer': '10s' }, async () => 'expired')
      .build(ports),
  )
  const runId = await wf.trigger('w', { initialValue: {} })
  await world.turns()
  await wf.callback({ runId }, 'open')
  await world.pass(20_000)
  expect(calls).toBe(1)
  await world.pass(20_000)
  expect(calls).toBe(2)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'expired' })
})

test('several handlers of a status run in order and each sees the whole payload', async () => {
  await using world = new World()
  const seen: string[] = []
  const wf = await world.start((ports) =>
    docs
      .addStep('draft', async () => 'review')
      .addCallback('review', async (run, payload) => {
        seen.push(`first ${JSON.stringify(payload)}`)
        return run.skip()
      })
      .addCallback('review', async (_run, payload) => {
        seen.push(`second ${JSON.stringify(payload)}`)
        return 'refused'
      })
      .addCallback('review', async () => {
        seen.push('never')
        return 'signed'
      })
      .addCallback('signed', async () => 'archived')
      .build(ports),
  )
  const runId = await inReview(world, wf)
  await wf.callback({ runId }, 'review', { by: 'ann', next: 'skip' })
  await world.within(wf.awaitCompletion(runId))
  expect(seen).toEqual(['first {"by":"ann","next":"skip"}', 'second {"by":"ann","next":"skip"}'])
})

test('a skip without edits ends the callback, once', async () => {
  const waits = workflow('waits', { object: unchecked<{}>(), graph: { open: { callback: ['answered'] }, answered: {} } })
  await using world = new World()
  let calls = 0
  const wf = await world.start((ports) => waits.addCallback('open', async (run) => (++calls === 1 ? run.skip() : 'answered')).build(ports))
  const runId = await wf.trigger('w', { initialValue: {} })
  await wf.callback({ runId }, 'open')
  await world.pass(120_000)
  expect(calls).toBe(1)
  await wf.callback({ runId }, 'open')
  await world.within(wf.awaitCompletion(runId))
})

test('a callback in the back-off of a step does not make the worker spin', async () => {
  const mixed = workflow('mixed', {
    object: unchecked<{}>(),
    graph: { working: { step: ['open'] }, open: { callback: ['done'] }, done: {} },
  })
  await using world = new World()
  let lookups = 0
  const wf = await world.start(
    (ports) =>
      mixed
        .addStep(
          'working',
          async (run) => {
            if (run.attempt === 1) throw new Error('again')
            return 'open'
          },
          { errBackOff: '4s' },
        )
        .addCallback('open', async () => 'done')
        .build(ports),
    'a',
    {
      change: (store) => ({
        ...store,
        lookup: (id) => {
          lookups += 1
          return store.lookup(id)
        },
      }),
    },
  )
  const runId = await wf.trigger('m', { initialValue: {} })
  await world.until(() => world.logged('warn', 'the attempt failed').length === 1)
  await wf.callback({ runId }, 'open', undefined, { queue: true })
  lookups = 0
  // A wake-up for the status that the run is at.
  const stored = await world.ports('probe').recordStore.lookup(runId)
  expect(stored).toBeDefined()
  await wf.callback({ runId }, 'open', undefined, { queue: true })
  await world.turns(50)
  expect(lookups).toBeLessThan(20)
  await world.within(wf.awaitCompletion(runId))
})

test('what cannot be accepted says why, and nothing has changed', async () => {
  await using world = new World()
  const wf = await world.start((ports) => definition.build(ports))
  const runId = await inReview(world, wf)
  const loose = wf as unknown as { callback: (...given: readonly unknown[]) => Promise<unknown> }
  const good = { by: 'ann', next: 'signed' }
  const cases: readonly (readonly [readonly unknown[], string, RegExp])[] = [
    [[{ runId }, 'review', { by: 7, next: 'signed' }], 'Validation', /by/],
    [[{ runId }, 'review'], 'Validation', /payload/],
    [[{ runId }, 'nowhere', good], 'InvalidArgument', /no status .nowhere/],
    [[{ runId }, 'draft', good], 'InvalidArgument', /no callback leaves 'draft'/],
    [[{ runId }, 'signed', { surprise: 1 }], 'InvalidArgument', /carries nothing/],
    [[{ runId: 'nobody' }, 'review', good], 'RunNotFound', /nobody/],
    [[{ foreignId: 'nobody' }, 'review', good], 'RunNotFound', /nobody/],
    [[{}, 'review', good], 'InvalidArgument', /exactly one/],
    [[{ runId, foreignId: 'd1' }, 'review', good], 'InvalidArgument', /exactly one/],
    [[undefined, 'review', good], 'InvalidArgument', /exactly one/],
    [[{ runId }, 'review', good, { key: '' }], 'InvalidArgument', /key/],
    [[{ runId }, 'review', good, { key: 'x'.repeat(256) }], 'InvalidArgument', /key/],
  ]
  for (const [given, code, message] of cases) {
    const error = await loose.callback(...given).catch((thrown: unknown) => thrown)
    expect(isWorkflowError(error) ? error.code : error, String(message)).toBe(code)
    expect((error as Error).message).toMatch(message)
  }
  expect(await wf.lookup(runId)).toMatchObject({ status: 'review', version: 2, object: { got: [] } })
  await wf.callback({ runId }, 'review', { by: 'ann', next: 'refused' })
  await world.within(wf.awaitCompletion(runId))
  await expect(wf.callback({ runId }, 'review', { by: 'ann', next: 'signed' }, { queue: true })).rejects.toMatchObject({
    code: 'RunNotWaiting',
    message: expect.stringContaining('it is finished'),
  })
})

test("waiting ends with the caller's signal or timeout, and the callback is handled all the same", async () => {
  await using world = new World()
  const go = gate()
  const wf = await world.start((ports) =>
    docs
      .addStep('draft', async () => 'review')
      .addCallback('review', async () => {
        await go.promise
        return 'signed'
      })
      .addCallback('signed', async () => 'archived')
      .build(ports),
  )
  const runId = await inReview(world, wf)
  await expect(
    world.within(wf.callback({ runId }, 'review', { by: 'ann', next: 'signed' }, { wait: true, timeout: '1s' })),
  ).rejects.toMatchObject({ code: 'AwaitTimeout' })
  const other = await inReview(world, wf, 'd2')
  const abort = new AbortController()
  const waiting = world.within(wf.callback({ runId: other }, 'review', { by: 'ann', next: 'signed' }, { wait: true, signal: abort.signal }))
  await world.turns()
  abort.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  go.resolve()
  await world.within(wf.await(runId, 'signed'))
  await world.within(wf.await(other, 'signed'))
})
