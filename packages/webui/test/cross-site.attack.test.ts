/** Attack: requests that another site has made a browser send. */
import { describe, expect, it } from 'vitest'
import { webui } from '../src/index.ts'
import { requestsFor } from './every-route.ts'
import { openShop, quiet, site } from './shop.ts'

describe('every route', () => {
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

  it('asks nobody who sends it before it is known where it comes from', async () => {
    let asked = 0
    await using shop = await openShop({
      authorize: () => {
        asked++
        return { actor: 'ann', permissions: ['view', 'act', 'delete'] }
      },
    })
    for (const { path, init } of requestsFor(await shop.paid('a')))
      await shop.send(path, { ...init, headers: { 'sec-fetch-site': 'cross-site' } })
    expect(asked).toBe(0)
  })

  it('answers no name that somebody else may have made point here, where nobody is asked who they are', async () => {
    await using shop = await openShop()
    const open = webui({ workflows: [shop.app], unsafeNoAuth: true, origins: ['https://admin.test:8443'], logger: quiet })
    const ask = async (url: string, headers: Record<string, string> = {}): Promise<number> =>
      (await open(new Request(`${url}/api/v1/session`, { headers }))).status
    for (const host of [
      'evil.test',
      'evil.test:4000',
      'localhost.evil.test',
      '127.0.0.1.evil.test',
      '127.evil.test',
      'admin.test.evil.test',
    ]) {
      expect(await ask(`http://${host}`), host).toBe(403)
      // Some frameworks say localhost, whatever the browser has asked for.
      expect(await ask('http://localhost', { host }), host).toBe(403)
    }
    for (const host of ['localhost:3000', 'app.localhost', '127.0.0.1:4000', '192.168.0.7', '[::1]:3000', 'admin.test', 'admin.test:8443'])
      expect(await ask(`http://${host}`), host).toBe(200)
    expect(await ask('http://localhost', { host: 'a b' })).toBe(403)
    await open.close()
  })

  it('takes no form for JSON, with the header or without', async () => {
    await using shop = await openShop()
    const runId = await shop.paid('a')
    const body = JSON.stringify({ action: 'pause', reason: 'x' })
    const types = ['text/plain', 'text/plain; application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '']
    for (const type of types)
      for (const own of [{}, { 'x-workflow-webui': '1' }]) {
        const headers: Record<string, string> = { ...own, ...(type === '' ? undefined : { 'content-type': type }) }
        // A body of bytes, because a text brings a content type of its own.
        const { status } = await shop.send(`/workflows/orders/runs/${runId}/actions`, { method: 'POST', headers, body: Buffer.from(body) })
        expect(status, `${type} ${JSON.stringify(own)}`).toBe('x-workflow-webui' in own ? 415 : 403)
      }
    expect((await shop.app.lookup(runId))?.version).toBe(2)
  })

  it('tells no other site what it could read or send', async () => {
    await using shop = await openShop({ origins: ['https://admin.test'] })
    for (const { path } of requestsFor(await shop.paid('a'))) {
      const preflight = {
        origin: 'https://evil.test',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'x-workflow-webui',
      }
      for (const method of ['OPTIONS', 'GET']) {
        const { headers } = await shop.send(path, { method, headers: preflight })
        for (const [name] of headers) expect(name).not.toMatch(/^access-control-/)
      }
    }
  })
})
