/** Attack: filters that find more than they say, tell what is hidden, or ask a store for more than it can do. */
import { describe, expect, it } from 'vitest'
import { openShop } from './shop.ts'

describe('a filter', () => {
  it.each(['constructor', '__proto__', 'prototype'])('by the metadata %s is refused, and never left out', async (key) => {
    await using shop = await openShop()
    await shop.paid('a')
    const refused = { status: 400, body: { error: { code: 'InvalidArgument', message: expect.stringContaining(key) } } }
    const body = `{"action":"cancel","filter":{"metadata":{"${key}":"nobody"}}}`
    expect(await shop.post('/workflows/orders/bulk/preview', body)).toMatchObject(refused)
    expect(await shop.get(`/workflows/orders/runs?metadata.${key}=nobody`)).toMatchObject(refused)
  })

  it('by two values of one pair of the metadata is refused', async () => {
    await using shop = await openShop()
    await shop.paid('a', { metadata: { city: 'Rome' } })
    expect((await shop.get('/workflows/orders/runs?metadata.city=Oslo&metadata.city=Rome')).status).toBe(400)
    expect((await shop.get('/workflows/orders/runs?metadata.city=Rome&metadata.limit=1')).status).toBe(200)
  })

  it('has no more parts than a statement takes', async () => {
    await using shop = await openShop()
    const preview = async (filter: unknown): Promise<number> =>
      (await shop.post('/workflows/orders/bulk/preview', { action: 'cancel', filter })).status
    const pairs = (count: number) => ({ metadata: Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v'])) })
    expect(await preview(pairs(20))).toBe(200)
    expect(await preview(pairs(21))).toBe(400)
    expect(await preview({ status: Array.from({ length: 1_001 }, () => 'paid') })).toBe(400)
    expect(await preview({ state: Array.from({ length: 101 }, () => 'Paused') })).toBe(400)
    expect((await shop.get(`/workflows/orders/runs?${'status=paid&'.repeat(20_000)}`)).status).toBe(400)
    expect((await shop.get(`/changes?${'workflow=orders&'.repeat(2_000)}`)).status).toBe(400)
    expect((await shop.get('/overview')).body).toMatchObject({ workflows: [{ health: { up: true } }, {}] })
  })

  it.each([
    ['no text', 'x'.repeat(5_000)],
    ['another listing', Buffer.from('["roles","n1"]').toString('base64url')],
    ['absurdly far', Buffer.from(`["runs, newest first","n${'9'.repeat(2_000)}"]`).toString('base64url')],
    ['NUL', '%00'],
    ['half of a pair', '\ud800'],
  ])('with a cursor that is %s is refused or finds nothing', async (_, cursor) => {
    await using shop = await openShop()
    const runId = await shop.paid('a')
    for (const path of ['/workflows/orders/runs', `/workflows/orders/runs/${runId}/history`, `/workflows/orders/runs/${runId}/timers`])
      expect((await shop.get(`${path}?cursor=${cursor}`)).status, path).toBe(400)
  })
})

describe('metadata that redact hides', () => {
  const secret = { metadata: { card: '4222', city: 'Rome' } }

  it('cannot be guessed by looking for it', async () => {
    await using shop = await openShop({
      redact: ({ kind, value }) => (kind === 'metadata' ? { ...(value as object), card: '…' } : value),
    })
    await shop.paid('a', secret)
    const ask = async (query: string) => await shop.get(`/workflows/orders/runs?${query}`)
    const preview = async (metadata: unknown) =>
      await shop.post('/workflows/orders/bulk/preview', { action: 'cancel', filter: { metadata } })
    const forbidden = { status: 403, body: { error: { code: 'Forbidden' } } }
    for (const card of ['4222', '4111']) {
      expect(await ask(`metadata.card=${card}`)).toMatchObject(forbidden)
      expect(await preview({ card })).toMatchObject(forbidden)
    }
  })

  it('of some runs only is not found among the others', async () => {
    await using shop = await openShop({
      redact: ({ kind, value }, run) => (kind === 'metadata' && run.foreignId === 'a' ? {} : value),
    })
    await shop.paid('a', secret)
    await shop.paid('b', secret)
    expect((await shop.get('/workflows/orders/runs?metadata.card=4222')).body).toMatchObject({ items: [{ foreignId: 'b' }] })
    const { body } = await shop.post('/workflows/orders/bulk/preview', { action: 'cancel', filter: { metadata: { card: '4222' } } })
    expect(body).toMatchObject({ runs: [{ foreignId: 'b' }], skipped: 0 })
  })

  it('does not keep what is shown from being looked for', async () => {
    await using shop = await openShop({ redact: ({ value }) => value })
    await shop.paid('a', secret)
    await shop.paid('b')
    expect((await shop.get('/workflows/orders/runs?metadata.city=Rome')).body).toMatchObject({ items: [{ foreignId: 'a' }] })
  })
})

it('a bulk action takes a run only once, or it would be retried twice', async () => {
  await using shop = await openShop()
  const runId = await shop.done('a')
  const runs = [1, 2].map(() => ({ runId, ifVersion: 3 }))
  expect(await shop.post('/workflows/orders/bulk', { action: 'retry', reason: 'x', runs })).toMatchObject({
    status: 400,
    body: { error: { code: 'InvalidArgument' } },
  })
  expect(await shop.app.count('state')).toEqual(new Map([['Completed', 1]]))
})

it('versions that cannot be are refused', async () => {
  await using shop = await openShop()
  const runId = await shop.paid('a')
  for (const ifVersion of [0, -1, 1.5, 1e300, '2', null, [2], {}]) {
    const actions = await shop.post(`/workflows/orders/runs/${runId}/actions`, { action: 'pause', reason: 'x', ifVersion })
    const bulk = await shop.post('/workflows/orders/bulk', { action: 'pause', reason: 'x', runs: [{ runId, ifVersion }] })
    expect([actions.status, bulk.status], JSON.stringify(ifVersion)).toEqual([400, 400])
  }
  const bulk = await shop.post('/workflows/orders/bulk', { action: 'pause', reason: 'x', runs: [{ runId }] })
  expect(bulk.status).toBe(400)
  expect((await shop.app.lookup(runId))?.version).toBe(2)
})
