/** Attack: doing what one may not, on every way into the API; and requests that another site has made a browser send. */
import { describe, expect, it } from 'vitest'
import { matchOf } from '../src/server/route.ts'
import { routes } from '../src/server/routes.ts'
import type { Permission } from '../src/index.ts'
import { openShop, site } from './shop.ts'

/** A request for each route, that would be answered were it allowed. */
function requestsFor(runId: string) {
  const bodies: Readonly<Record<string, unknown>> = {
    actOnRun: { action: 'pause', reason: 'x' },
    previewBulk: { action: 'pause', filter: {} },
    actOnRuns: { action: 'pause', reason: 'x', runs: [{ runId, ifVersion: 2 }] },
  }
  return routes.map(({ id, method, path, mutates }) => {
    const real = path.replace('{workflow}', 'orders').replace('{runId}', runId) + (id === 'previewMove' ? '?to=created' : '')
    const headers = { 'content-type': 'application/json', 'x-workflow-webui': '1' }
    return { id, path: real, mutates, init: method === 'GET' ? { method } : { method, headers, body: JSON.stringify(bodies[id]) } }
  })
}

describe('every route', () => {
  it.each([
    ['nobody', undefined],
    ['an empty actor', { actor: '', permissions: ['view', 'act', 'delete'] }],
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

  it('answers nothing to a browser on behalf of another site', async () => {
    await using shop = await openShop()
    const runId = await shop.paid('a')
    for (const { id, path, init, mutates } of requestsFor(runId)) {
      const own = 'headers' in init ? init.headers : {}
      const refused = async (headers: Record<string, string>): Promise<void> =>
        expect(await shop.send(path, { ...init, headers }), `${id} ${JSON.stringify(headers)}`).toMatchObject({
          status: 403,
          body: { error: { code: 'CrossSite' } },
        })
      await refused({ ...own, 'sec-fetch-site': 'cross-site' })
      await refused({ ...own, 'sec-fetch-site': 'same-site' })
      await refused({ ...own, origin: 'https://evil.test' })
      await refused({ ...own, origin: 'null' })
      await refused({ ...own, origin: 'http://ui.test.evil.test' })
      if (!mutates) continue
      await refused({ ...own, 'sec-fetch-site': 'none' })
      // A form cannot set it, and a script may not without being asked for.
      await refused({ 'content-type': 'application/json' })
    }
    expect((await shop.app.lookup(runId))?.version).toBe(2)
  })

  it('answers its own pages, scripts, and the origins that are allowed', async () => {
    await using shop = await openShop({ origins: ['https://admin.test'] })
    expect((await shop.get('/session', { 'sec-fetch-site': 'same-origin', origin: 'http://10.0.0.1' })).status).toBe(200)
    expect((await shop.get('/session', { origin: site })).status).toBe(200)
    expect((await shop.get('/session', { origin: 'https://admin.test', 'sec-fetch-site': 'cross-site' })).status).toBe(200)
    expect((await shop.get('/session')).status).toBe(200)
    expect((await shop.send('/session', { method: 'OPTIONS' })).headers.get('access-control-allow-origin')).toBeNull()
  })
})

it('a method that a path does not know is named with those that it does', () => {
  expect(() => matchOf(routes, 'DELETE', '/workflows/orders/runs/1')).toThrow('GET, HEAD')
})
