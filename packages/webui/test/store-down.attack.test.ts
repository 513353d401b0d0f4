/** Attack: a store that goes away under every way into the API, also in the middle of an action. */
import { expect, it } from 'vitest'
import { VirtualClock } from '@workflow/testing'
import { KeptAnswers } from '../src/server/kept-answers.ts'
import { requestsFor } from './every-route.ts'
import { openShop } from './shop.ts'

/** What needs no store, or says by itself that one is away. */
const answersAnyway: ReadonlySet<string> = new Set(['getSession', 'getOverview', 'followChanges', 'getDescription', 'actOnRuns'])

it('every route says that a store is away and since when, and answers again when it is back', async () => {
  await using shop = await openShop()
  const runId = await shop.paid('a')
  await shop.app.pause(runId, { actor: 'bob', reason: 'look' })
  shop.storeDown(true)
  for (const { id, path, init } of requestsFor(runId)) {
    const { status, body, headers } = await shop.send(path, init)
    expect(status, id).toBe(answersAnyway.has(id) ? 200 : 503)
    if (status !== 503) continue
    expect(body, id).toMatchObject({ error: { code: 'StoreUnavailable', since: expect.stringMatching(/Z$/) } })
    expect(headers.get('retry-after'), id).toBe('2')
  }
  const bulk = await shop.post('/workflows/orders/bulk', { action: 'resume', reason: 'x', runs: [{ runId, ifVersion: 3 }] })
  expect(bulk.body).toMatchObject({ results: [{ runId, ok: false, code: 'StoreUnavailable' }] })
  shop.storeDown(false)
  for (const { id, path, init } of requestsFor(runId)) expect((await shop.send(path, init)).status, id).toBe(200)
})

it('an action that is done stays done where the store goes away before the run is read', async () => {
  await using shop = await openShop()
  const runId = await shop.paid('a')
  shop.storeDownAfterCommit()
  const answer = await shop.post(`/workflows/orders/runs/${runId}/actions`, { action: 'pause', reason: 'x', ifVersion: 2 })
  expect(answer).toMatchObject({ status: 200, body: { runId } })
  expect(answer.body).not.toHaveProperty('run')
  expect((await shop.app.lookup(runId))?.state).toBe('Paused')
})

it('an answer that leaves something out is not kept for as long as it took', async () => {
  const clock = new VirtualClock()
  const kept = new KeptAnswers(clock)
  const slow = (value: string) => async (): Promise<string> => {
    await clock.advance(10_000)
    return value
  }
  const of = (ask: () => Promise<string>): Promise<string> => kept.of('x', 2_000, ask, { isWhole: (value) => value !== 'down' })
  expect(await of(slow('down'))).toBe('down')
  await clock.advance(2_001)
  expect(await of(() => Promise.resolve('up'))).toBe('up')
})

it('an old answer is given where a new one takes long, but none that is more than two minutes old', async () => {
  const clock = new VirtualClock()
  const kept = new KeptAnswers(clock)
  let asked = 0
  const answers: ((value: string) => void)[] = []
  const ask = (): Promise<string> =>
    new Promise((resolve) => {
      asked++
      answers.push(resolve)
    })
  const first = kept.of('x', 2_000, ask)
  answers[0]?.('first')
  expect(await first).toBe('first')
  await clock.advance(2_001)
  const both = Promise.all([kept.of('x', 2_000, ask), kept.of('x', 2_000, ask)])
  await clock.advance(31)
  expect(await both).toEqual(['first', 'first'])
  expect(asked).toBe(2)
  await clock.advance(120_000)
  const late = kept.of('x', 2_000, ask)
  await clock.advance(1_000)
  answers[1]?.('second')
  expect(await late).toBe('second')
  expect(asked).toBe(2)
})

it('an answer that may come later is not waited for, and is there for whoever asks next', async () => {
  const clock = new VirtualClock()
  const kept = new KeptAnswers(clock)
  const answers: PromiseWithResolvers<string>[] = []
  const ask = (): Promise<string> => {
    const answer = Promise.withResolvers<string>()
    answers.push(answer)
    return answer.promise
  }
  const early = kept.soon('x', 1_000, ask)
  await clock.advance(150)
  expect(await early).toBeUndefined()
  answers[0]?.reject(new Error('the store has gone'))
  await clock.advance(0)
  // As long as it took to fail.
  await expect(kept.soon('x', 1_000, ask)).rejects.toThrow('the store has gone')
  await clock.advance(150)
  const next = kept.soon('x', 1_000, ask)
  await clock.advance(150)
  expect(await next).toBeUndefined()
  answers[1]?.resolve('counted')
  expect(await kept.soon('x', 1_000, ask)).toBe('counted')
  expect(answers).toHaveLength(2)
  const failing = kept.soon('y', 1_000, () => Promise.reject(new Error('down')))
  await expect(failing).rejects.toThrow('down')
  expect(clock.pending()).toEqual([])
})

it('an answer that may not be old is waited for', async () => {
  const clock = new VirtualClock()
  const kept = new KeptAnswers(clock)
  const answers: PromiseWithResolvers<string>[] = []
  const of = (): Promise<string> =>
    kept.of(
      'x',
      1_000,
      () => {
        answers.push(Promise.withResolvers())
        return answers.at(-1)?.promise ?? Promise.reject(new Error('nothing was asked'))
      },
      { mayBeOld: false },
    )
  const first = of()
  answers[0]?.resolve('half')
  expect(await first).toBe('half')
  await clock.advance(1_000)
  const second = of()
  await clock.advance(5_000)
  answers[1]?.resolve('whole')
  expect(await second).toBe('whole')
})
