/** Attack: doing what one may not, on every way into the API. */
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '@workflow/testing'
import { matchOf } from '../src/server/route.ts'
import { routes } from '../src/server/routes.ts'
import type { Permission } from '../src/index.ts'
import { requestsFor } from './every-route.ts'
import { openShop } from './shop.ts'

describe('every route', () => {
  it.each([
    ['nobody', undefined],
    ['an empty actor', { actor: '', permissions: ['view', 'act', 'delete'] }],
    ['an actor that no store takes', { actor: 'e\0ve', permissions: ['view', 'act', 'delete'] }],
    ['permissions that are a text', { actor: 'eve', permissions: 'view act delete' }],
    ['true', true],
  ])('lets nobody in where authorize gives back %s', async (_, answer) => {
    await using shop = await openShop({ authorize: () => answer as never })
    const runId = await shop.paid('a')
    for (const { id, path, init } of requestsFor(runId))
      expect(await shop.send(path, init), id).toMatchObject({ status: 401, body: { error: { code: 'Unauthorized' } } })
    expect((await shop.app.lookup(runId))?.version).toBe(2)
  })

  it('lets nobody in where authorize throws, and logs it', async () => {
    await using shop = await openShop({ authorize: () => Promise.reject(new Error('secret of the session store')) })
    for (const { id, path, init } of requestsFor(await shop.paid('a'))) {
      const { status, body } = await shop.send(path, init)
      expect(status, id).toBe(500)
      expect(JSON.stringify(body)).not.toContain('secret')
    }
    expect(shop.lines[0]).toMatchObject({ level: 'error' })
  })

  it('lets nobody in where authorize gives no answer, and waits no longer than half a minute', async () => {
    const clock = new VirtualClock()
    await using shop = await openShop({ clock, authorize: () => new Promise<never>(() => undefined) })
    const requests = requestsFor(await shop.paid('a'))
    const answers = Promise.all(requests.map(({ path, init }) => shop.send(path, init)))
    await clock.advance(30_001)
    expect((await answers).map(({ status }) => status)).toEqual(requests.map(() => 500))
    expect(shop.lines[0]).toMatchObject({ level: 'error', fields: { error: { message: expect.stringContaining('authorize') } } })
  })

  it('waits for no authorize once the client has gone', async () => {
    await using shop = await openShop({ authorize: () => new Promise<never>(() => undefined) })
    const gone = new AbortController()
    const answers = Promise.all(requestsFor('x').map(({ path, init }) => shop.send(path, { ...init, signal: gone.signal })))
    gone.abort()
    for (const { status } of await answers) expect(status).toBe(401)
    expect(shop.lines).toEqual([])
  })

  it('answers what authorize answers', async () => {
    await using shop = await openShop({ authorize: () => Response.redirect('https://login.test/', 302) })
    for (const { id, path, init } of requestsFor(await shop.paid('a'))) expect((await shop.send(path, init)).status, id).toBe(302)
  })

  it('needs the permission to view, and what changes something another one', async () => {
    const mays: readonly (readonly Permission[])[] = [[], ['act', 'delete'], ['view'], ['view', 'delete'], ['view', 'act']]
    for (const permissions of mays) {
      await using shop = await openShop({ authorize: () => ({ actor: 'eve', permissions }) })
      const runId = await shop.paid('a')
      for (const { id, path, init, mutates } of requestsFor(runId)) {
        const may = permissions.includes('view') && (!mutates || permissions.includes('act'))
        // Refused is what the permission refuses; a run that is not paused cannot be moved, by whomever.
        const { status } = await shop.send(path, init)
        expect(status, `${id} with ${permissions.join()}`).toBe(may ? (id === 'previewMove' ? 409 : 200) : 403)
      }
    }
  })

  it('deletes data only with the permission to delete', async () => {
    let permissions: readonly Permission[] = ['view', 'act']
    await using shop = await openShop({ authorize: () => ({ actor: 'eve', permissions }) })
    const path = `/workflows/orders/runs/${await shop.done('a')}/actions`
    const body = { action: 'deleteData', reason: 'x' }
    expect(await shop.post(path, body)).toMatchObject({ status: 403, body: { error: { code: 'Forbidden' } } })
    permissions = ['view', 'delete']
    expect((await shop.post(path, body)).status).toBe(200)
  })

  it('changes nothing on a read-only server, whoever asks', async () => {
    await using shop = await openShop({ readOnly: true })
    const runId = await shop.paid('a')
    for (const { id, path, init, mutates } of requestsFor(runId)) {
      const { status, body } = await shop.send(path, init)
      expect(status, id).toBe(mutates ? 403 : path.includes('/move') ? status : 200)
      if (mutates) expect(body).toMatchObject({ error: { code: 'ReadOnly' } })
    }
    expect((await shop.app.lookup(runId))?.version).toBe(2)
    expect((await shop.get('/session')).body).toMatchObject({ readOnly: true, permissions: ['view'] })
  })
})

it('a method that a path does not know is named with those that it does', () => {
  expect(() => matchOf(routes, 'DELETE', '/workflows/orders/runs/1')).toThrow('GET, HEAD')
})

it('an answer of one actor is never taken for that of another', async () => {
  await using shop = await openShop({
    authorize: (request) =>
      request.headers.get('cookie') === 'ann' ? { actor: 'ann', permissions: ['view', 'act'] } : { actor: 'bob', permissions: ['view'] },
  })
  const ann = await shop.get('/session', { cookie: 'ann' })
  const etag = ann.headers.get('etag') ?? ''
  expect(ann.headers.get('cache-control')).toBe('private, no-cache')
  expect(ann.headers.get('vary')).toContain('cookie')
  expect((await shop.get('/session', { cookie: 'ann', 'if-none-match': etag })).status).toBe(304)
  expect(await shop.get('/session', { cookie: 'bob', 'if-none-match': etag })).toMatchObject({
    status: 200,
    body: { actor: 'bob', permissions: ['view'] },
  })
})
