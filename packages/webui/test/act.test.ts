/** What the API does to runs, and who is told of it. */
import { describe, expect, it } from 'vitest'
import { openShop } from './shop.ts'

interface Entry {
  readonly actor?: string
  readonly reason?: string
  readonly to: string
  readonly states: readonly string[]
}

describe('an action', () => {
  it('is done, and kept in the history with actor and reason', async () => {
    await using shop = await openShop()
    const runId = await shop.paid('a')
    const path = `/workflows/orders/runs/${runId}`
    const paused = await shop.post(`${path}/actions`, { action: 'pause', reason: 'fraud?', ifVersion: 2 })
    expect(paused).toMatchObject({
      status: 200,
      body: { runId, run: { state: 'Paused', pause: { by: 'person', actor: 'ann', reason: 'fraud?' } } },
    })
    expect(paused.headers.get('cache-control')).toBe('no-store')
    expect((await shop.post(`${path}/actions`, { action: 'resume', reason: 'no' })).body).toMatchObject({ run: { state: 'Running' } })
    expect((await shop.post(`${path}/actions`, { action: 'cancel', reason: 'asked' })).body).toMatchObject({ run: { state: 'Cancelled' } })
    const again = await shop.post(`${path}/actions`, { action: 'retry', reason: 'by mistake' })
    const { runId: newId } = again.body as { runId: string }
    expect(newId).not.toBe(runId)
    expect(again.body).toMatchObject({ run: { runId: newId, foreignId: 'a' } })
    expect((await shop.post(`${path}/actions`, { action: 'deleteData', reason: 'law' })).body).toMatchObject({ run: { runId } })
    const { items } = (await shop.get(`${path}/history`)).body as { items: Entry[] }
    expect(items.filter(({ actor }) => actor === 'ann').map(({ states }) => states.at(-1))).toEqual(
      expect.arrayContaining(['Paused', 'Running', 'Cancelled', 'RequestedDataDeleted']),
    )
    const first = ((await shop.get(`/workflows/orders/runs/${newId}/history`)).body as { items: Entry[] }).items[0]
    expect(first).toMatchObject({ actor: 'ann', reason: 'by mistake' })
  })

  it('is refused where somebody else was faster, or the state does not allow it; nothing has changed then', async () => {
    await using shop = await openShop()
    const runId = await shop.paid('a')
    const path = `/workflows/orders/runs/${runId}`
    await shop.app.pause(runId, { actor: 'bob', reason: 'mine' })
    expect(await shop.post(`${path}/actions`, { action: 'cancel', reason: 'x', ifVersion: 2 })).toMatchObject({
      status: 409,
      body: { error: { code: 'StaleVersion' } },
    })
    expect(await shop.post(`${path}/actions`, { action: 'deleteData', reason: 'x' })).toMatchObject({
      status: 409,
      body: { error: { code: 'IllegalMove' } },
    })
    expect((await shop.get(path)).body).toMatchObject({ state: 'Paused', version: 3, pause: { actor: 'bob' } })
  })

  it('is a retry only once where a key is given, one by one and in bulk', async () => {
    await using shop = await openShop()
    const runId = await shop.done('a')
    const path = `/workflows/orders/runs/${runId}/actions`
    const retry = { action: 'retry', reason: 'x', key: 'the first click' }
    const first = (await shop.post(path, retry)).body as { runId: string }
    await shop.app.cancel(first.runId, { actor: 'bob', reason: 'x' })
    expect((await shop.post(path, retry)).body).toMatchObject({ runId: first.runId })
    const bulk = { ...retry, runs: [{ runId, ifVersion: 3 }] }
    for (let i = 0; i < 2; i++)
      expect((await shop.post('/workflows/orders/bulk', bulk)).body).toMatchObject({ results: [{ runId, ok: true }] })
    expect((await shop.app.list({ foreignId: 'a' })).items).toHaveLength(2)
    expect((await shop.post(path, { action: 'pause', reason: 'x', key: 'y' })).status).toBe(400)
  })

  it('moves a run by hand after a preview of what that does', async () => {
    await using shop = await openShop()
    const runId = await shop.paid('a')
    const path = `/workflows/orders/runs/${runId}`
    await shop.post(`${path}/actions`, { action: 'pause', reason: 'look' })
    const preview = await shop.get(`${path}/move?to=created`)
    expect(preview).toMatchObject({
      status: 200,
      body: {
        from: 'paid',
        to: 'created',
        direction: 'back',
        runsAgain: [{ from: 'created', to: 'paid' }],
        cancels: [{ kind: 'timeout' }],
      },
    })
    const { version } = preview.body as { version: number }
    const moved = await shop.post(`${path}/actions`, { action: 'moveTo', status: 'created', reason: 'again', ifVersion: version })
    expect(moved).toMatchObject({ status: 200, body: { runId } })
    expect((await shop.post(`${path}/actions`, { action: 'moveTo', status: 'nowhere', reason: 'x' })).status).toBe(400)
  })

  it('needs a reason and nothing that is not known', async () => {
    await using shop = await openShop()
    const path = `/workflows/orders/runs/${await shop.paid('a')}/actions`
    for (const body of [
      {},
      [],
      null,
      { action: 'pause' },
      { action: 'pause', reason: '' },
      { action: 'pause', reason: 'x'.repeat(4_097) },
      { action: 'explode', reason: 'x' },
      { action: 'pause', reason: 'x', ifVersion: 0 },
      { action: 'pause', reason: 'x', ifVersion: 1.5 },
      { action: 'pause', reason: 'x', actor: 'root' },
      { action: 'pause', reason: 'x', status: 'paid' },
      { action: 'moveTo', reason: 'x' },
      { action: { toString: 'pause' }, reason: 'x' },
    ])
      expect(await shop.post(path, body), JSON.stringify(body)).toMatchObject({
        status: 400,
        body: { error: { code: 'InvalidArgument', issues: expect.arrayContaining([expect.stringMatching(/./)]) } },
      })
  })
})

describe('a bulk action', () => {
  it('is previewed by id and version, and done run by run, each for itself', async () => {
    await using shop = await openShop()
    const ids = [await shop.paid('a'), await shop.paid('b'), await shop.paid('c')]
    await shop.done('d')
    const preview = await shop.post('/workflows/orders/bulk/preview', { action: 'pause', filter: {} })
    const { runs } = preview.body as { runs: { runId: string; version: number }[] }
    expect(preview.body).toMatchObject({ skipped: 1, more: false, limit: 1_000 })
    expect(runs.map(({ runId }) => runId).sort()).toEqual([...ids].sort())
    await shop.app.cancel(ids[1] ?? '', { actor: 'bob', reason: 'first' })
    const done = await shop.post('/workflows/orders/bulk', {
      action: 'pause',
      reason: 'all of them',
      runs: runs.map(({ runId, version }) => ({ runId, ifVersion: version })),
    })
    const { results } = done.body as { results: { runId: string; ok: boolean; code?: string }[] }
    expect(results.map(({ runId }) => runId)).toEqual(runs.map(({ runId }) => runId))
    for (const { runId, ok, code } of results) expect([ok, code]).toEqual(runId === ids[1] ? [false, 'StaleVersion'] : [true, undefined])
    expect(await shop.app.count('state')).toEqual(
      new Map([
        ['Paused', 2],
        ['Cancelled', 1],
        ['Completed', 1],
      ]),
    )
  })

  it('lists no more runs than the limit, and says that there are more', async () => {
    await using shop = await openShop({ limits: { bulk: 2 } })
    for (const id of ['a', 'b', 'c']) await shop.paid(id)
    const { body } = await shop.post('/workflows/orders/bulk/preview', { action: 'cancel', filter: { status: ['paid'] } })
    expect(body).toMatchObject({ more: true, limit: 2, skipped: 0, runs: [{ foreignId: 'c' }, { foreignId: 'b' }] })
  })

  it('takes 1 to 100 runs', async () => {
    await using shop = await openShop()
    for (const runs of [[], Array.from({ length: 101 }, (_, i) => ({ runId: String(i), ifVersion: 1 }))])
      expect((await shop.post('/workflows/orders/bulk', { action: 'pause', reason: 'x', runs })).status).toBe(400)
  })
})
