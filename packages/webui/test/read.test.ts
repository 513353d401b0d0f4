/** What the API answers to those who look. */
import { StoreUnavailable, unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'
import { number, object } from 'valibot'
import { describe, expect, it } from 'vitest'
import { webui } from '../src/index.ts'
import { asking, openShop, quiet } from './shop.ts'

const allowed = { actor: 'ann', permissions: ['view', 'act', 'delete'] as const }

describe('runs', () => {
  it('come in pages without their objects, and a cursor goes on where the page ended', async () => {
    await using shop = await openShop()
    const ids = [await shop.paid('a'), await shop.paid('b'), await shop.paid('c')]
    const first = await shop.get('/workflows/orders/runs?limit=2&order=oldest')
    expect(first.status).toBe(200)
    const { items, cursor } = first.body as { items: { runId: string }[]; cursor: string }
    const rest = await shop.get(`/workflows/orders/runs?limit=2&order=oldest&cursor=${encodeURIComponent(cursor)}`)
    expect([...items, ...(rest.body as { items: { runId: string }[] }).items].map(({ runId }) => runId)).toEqual(ids)
    expect(rest.body).not.toHaveProperty('cursor')
    expect(items[0]).toMatchObject({ workflow: 'orders', foreignId: 'a', status: 'paid', state: 'Running', metadata: {} })
    expect(items[0]).not.toHaveProperty('object')
  })

  it('are filtered by status, state, foreign id, metadata and time', async () => {
    await using shop = await openShop()
    const rome = await shop.paid('a', { metadata: { city: 'Rome' } })
    await shop.paid('b', { metadata: { city: 'Oslo' } })
    await shop.done('c')
    const found = async (query: string): Promise<readonly string[]> =>
      ((await shop.get(`/workflows/orders/runs?${query}`)).body as { items: { foreignId: string }[] }).items.map((run) => run.foreignId)
    expect(await found('metadata.city=Rome')).toEqual(['a'])
    expect(await found('status=done&status=late')).toEqual(['c'])
    expect(await found('state=Running')).toEqual(['b', 'a'])
    expect(await found('foreignId=b')).toEqual(['b'])
    expect(await found('createdAfter=2099-01-01T00:00:00Z')).toEqual([])
    expect(await found(`parentRunId=${rome}`)).toEqual([])
  })

  it('are refused with a reason where the filter cannot be', async () => {
    await using shop = await openShop()
    for (const query of [
      'limit=0',
      'limit=x',
      'limit=1.5',
      'state=Gone',
      'status=nowhere',
      'order=up',
      'createdAfter=yesterday',
      'colour=red',
      'cursor=zzz',
      'foreignId=a&foreignId=b',
    ])
      expect(await shop.get(`/workflows/orders/runs?${query}`), query).toMatchObject({
        status: 400,
        body: { error: { code: 'InvalidArgument', message: expect.stringMatching(/./) } },
      })
  })

  it('have an object, a history with objects, timers, children and an explanation', async () => {
    await using shop = await openShop()
    const runId = await shop.paid('a', { object: { card: '4111' }, metadata: { city: 'Rome' } })
    const path = `/workflows/orders/runs/${runId}`
    expect((await shop.get(path)).body).toMatchObject({
      runId,
      object: { kind: 'value', value: { card: '4111' } },
      metadata: { city: 'Rome' },
    })
    const bare = (await shop.get(`${path}/history`)).body as { items: object[] }
    expect(bare.items).toMatchObject([
      { version: 1, to: 'created', by: 'trigger' },
      { version: 2, from: 'created', to: 'paid', by: 'step', attempt: 1 },
    ])
    expect(bare.items[0]).not.toHaveProperty('object')
    const full = (await shop.get(`${path}/history?objects=true&limit=1`)).body as { cursor: string }
    expect(full).toMatchObject({ items: [{ version: 1, object: { kind: 'value', value: { card: '4111' } } }] })
    expect((await shop.get(`${path}/history?objects=true&limit=1&cursor=${full.cursor}`)).body).toMatchObject({ items: [{ version: 2 }] })
    expect((await shop.get(`${path}/timers`)).body).toMatchObject({ items: [{ kind: 'timeout', state: 'open' }] })
    expect((await shop.get(`${path}/explanation`)).body).toMatchObject({
      status: 'paid',
      waitsFor: [{ kind: 'callback' }, { kind: 'timer' }],
    })
    const parent = await shop.app.trigger('p', { initialValue: { parcels: 2 } })
    await shop.app.await(parent, 'packing')
    const { body } = await shop.get(`/workflows/orders/runs/${parent}/children`)
    expect(body).toMatchObject({ more: false, items: [{ workflow: 'parcels', parent: { runId: parent } }, { workflow: 'parcels' }] })
  })

  it('that are unknown are 404, as is a workflow that is not served', async () => {
    await using shop = await openShop()
    const runId = await shop.paid('a')
    const unknown = '00000000-0000-7000-8000-000000000000'
    for (const tail of ['', '/history', '/history?objects=true', '/timers', '/explanation', '/move?to=paid'])
      expect(await shop.get(`/workflows/orders/runs/${unknown}${tail}`), tail).toMatchObject({
        status: 404,
        body: { error: { code: 'RunNotFound' } },
      })
    expect((await shop.get(`/workflows/parcels/runs/${runId}`)).status).toBe(404)
    expect(await shop.get(`/workflows/refunds/runs/${runId}`)).toMatchObject({ status: 404, body: { error: { code: 'NotFound' } } })
  })

  it('whose object does not fit its schema are shown and marked, in their history entry by entry', async () => {
    const strict = { object: object({ total: number() }), graph: { new: { callback: ['done'] }, done: {} } } as const
    const loose = workflow('sums', { ...strict, object: unchecked<{ total: unknown }>() })
    const ports = memory()
    await using app = loose.addCallback('new', async () => 'done').build({ ...ports, logger: quiet })
    const runId = await app.trigger('sum', { initialValue: { total: 'many' } })
    const ui = webui({ workflows: [workflow('sums', strict).client({ ...ports, logger: quiet })], authorize: () => allowed, logger: quiet })
    const { get } = asking(ui)
    expect(await get(`/workflows/sums/runs/${runId}`)).toMatchObject({
      status: 200,
      body: { foreignId: 'sum', status: 'new', object: { kind: 'unreadable', message: expect.stringContaining('total') } },
    })
    await app.pause(runId, { actor: 'bob', reason: 'odd' })
    expect((await get(`/workflows/sums/runs/${runId}/history?objects=true`)).body).toMatchObject({
      items: [
        { version: 1, object: { kind: 'unreadable' } },
        { version: 2, object: { kind: 'unreadable' }, reason: 'odd', actor: 'bob' },
      ],
    })
    expect((await get('/workflows/sums/runs')).body).toMatchObject({ items: [{ runId }] })
  })
})

describe('workflows', () => {
  it('are named by the session, with what the actor may do', async () => {
    await using shop = await openShop()
    const { body } = await shop.get('/session')
    expect(body).toMatchObject({ actor: 'ann', permissions: ['view', 'act', 'delete'], readOnly: false })
    expect((body as { workflows: object[] }).workflows[0]).toMatchObject({
      name: 'orders',
      starts: ['created'],
      terminals: ['late', 'done'],
    })
  })

  it('are counted, with what needs a person and the oldest run of each status', async () => {
    await using shop = await openShop()
    const first = await shop.paid('a')
    await shop.paid('b')
    const paused = await shop.refused('c')
    await shop.done('d')
    const { body } = await shop.get('/overview')
    const [overview] = (body as { workflows: { created: number[]; needsPerson: object[] }[] }).workflows
    expect(overview).toMatchObject({
      name: 'orders',
      health: { up: true },
      byState: { Running: 2, Paused: 1, Completed: 1 },
      needsPerson: [{ runId: paused, pause: { by: 'engine' } }],
    })
    expect(overview?.created).toHaveLength(30)
    expect(overview?.created.reduce((a, b) => a + b)).toBe(4)
    expect((await shop.get('/workflows/orders')).body).toMatchObject({
      byStatus: { paid: 2, created: 1 },
      oldest: { paid: { runId: first }, created: { runId: paused } },
    })
  })

  it('are shown without their counts while a store with very many runs is counting, and with them later', async () => {
    await using shop = await openShop()
    await shop.paid('a')
    const paused = await shop.refused('b')
    const counted = Promise.withResolvers<void>()
    shop.storeCounting(counted.promise)
    const overview = async (): Promise<object | undefined> => ((await shop.get('/overview')).body as { workflows: object[] }).workflows[0]
    const detail = async (): Promise<unknown> => (await shop.get('/workflows/orders')).body
    const early = await overview()
    expect(early).toMatchObject({ name: 'orders', health: { up: true }, counting: true, needsPerson: [{ runId: paused }] })
    expect(early).not.toHaveProperty('byState')
    const page = await detail()
    expect(page).toMatchObject({ name: 'orders', starts: ['created'], counting: true, lag: expect.any(Array) })
    for (const late of ['byState', 'byStatus', 'oldest']) expect(page).not.toHaveProperty(late)
    counted.resolve()
    await expect.poll(overview).toMatchObject({ byState: { Running: 1, Paused: 1 } })
    await expect.poll(detail).toMatchObject({ byState: { Running: 1, Paused: 1 }, byStatus: { paid: 1, created: 1 }, oldest: { paid: {} } })
    expect(await detail()).not.toHaveProperty('counting')
  })

  it('say so where counting fails at last', async () => {
    await using shop = await openShop()
    const counted = Promise.withResolvers<void>()
    shop.storeCounting(counted.promise)
    expect((await shop.get('/workflows/orders')).status).toBe(200)
    counted.reject(new StoreUnavailable('the statement took too long'))
    await expect.poll(async () => (await shop.get('/workflows/orders')).status, { interval: 20 }).toBe(503)
  })

  it('are analysed by the newest finished runs', async () => {
    await using shop = await openShop()
    for (const id of ['a', 'b', 'c']) await shop.done(id)
    const refused = await shop.refused('d')
    await shop.app.cancel(refused, { actor: 'bob', reason: 'no money' })
    const { body } = await shop.get('/workflows/orders/analytics')
    expect(body).toMatchObject({
      sample: { runs: 4, limit: 200 },
      completed: 3,
      cancelled: 1,
      failed: 1,
      latencyMs: { count: 4 },
      statuses: [
        { status: 'created', timeMs: { count: 3 }, failedAttempts: 2 },
        { status: 'paid', timeMs: { count: 3 }, handlerMs: { count: 3 } },
      ],
    })
    const { throughput } = body as { throughput: { finished: number[] } }
    expect(throughput.finished.reduce((a, b) => a + b)).toBe(4)
  })
})

describe('answers', () => {
  it('have an ETag, and are not sent again to those who have them', async () => {
    await using shop = await openShop()
    const runId = await shop.paid('a')
    const path = `/workflows/orders/runs/${runId}`
    const first = await shop.get(path)
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[\w-]+"$/)
    expect(await shop.get(path, { 'if-none-match': `W/"x", ${etag}` })).toMatchObject({ status: 304, body: '' })
    await shop.app.pause(runId, { actor: 'bob', reason: 'wait' })
    expect((await shop.get(path, { 'if-none-match': etag })).status).toBe(200)
    expect(first.headers.get('cache-control')).toBe('private, no-cache')
  })

  it('say which store is down and since when, and come back by themselves', async () => {
    await using shop = await openShop()
    const runId = await shop.paid('a')
    expect((await shop.get(`/workflows/orders/runs/${runId}`)).status).toBe(200)
    shop.storeDown(true)
    const before = Date.now()
    const down = await shop.get('/workflows/orders/runs')
    expect(down).toMatchObject({ status: 503, body: { error: { code: 'StoreUnavailable', since: expect.stringMatching(/Z$/) } } })
    const { since } = (down.body as { error: { since: string } }).error
    expect(Date.parse(since)).toBeGreaterThanOrEqual(before)
    // The same outage, whoever asks what.
    expect((await shop.get(`/workflows/orders/runs/${runId}`)).body).toMatchObject({ error: { since } })
    const { workflows } = (await shop.get('/overview')).body as { workflows: object[] }
    expect(workflows[0]).toMatchObject({ name: 'orders', health: { up: false, since } })
    expect(workflows[0]).not.toHaveProperty('byState')
    shop.storeDown(false)
    expect((await shop.get('/workflows/orders/runs')).status).toBe(200)
    shop.storeDown(true)
    const { body } = await shop.get('/workflows/orders/runs')
    expect((body as { error: { since: string } }).error.since >= since).toBe(true)
  })

  it('to HEAD have the headers and no body', async () => {
    await using shop = await openShop()
    const answer = await shop.send('/session', { method: 'HEAD' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('etag')).not.toBeNull()
    expect((await shop.send('/nowhere', { method: 'HEAD' })).status).toBe(404)
  })
})
