/** Attack: bodies, paths, headers and stored texts that are not what they should be. */
import { describe, expect, it } from 'vitest'
import { openShop, site } from './shop.ts'

const headers = { 'content-type': 'application/json', 'x-workflow-webui': '1' }
const post = { method: 'POST', headers }

describe('bodies', () => {
  it('that are too large are refused, whether they say so or not', async () => {
    await using shop = await openShop({ limits: { bodyBytes: 1_000 } })
    const path = `/workflows/orders/runs/${await shop.paid('a')}/actions`
    const large = JSON.stringify({ action: 'pause', reason: 'x'.repeat(1_000) })
    const tooLarge = { status: 413, body: { error: { code: 'TooLarge' } } }
    expect(await shop.send(path, { ...post, body: large })).toMatchObject(tooLarge)
    expect(await shop.send(path, { method: 'POST', headers: { ...headers, 'content-length': '1e9' }, body: '{}' })).toMatchObject(tooLarge)
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent++
        controller.enqueue(new Uint8Array(100).fill(32))
      },
    })
    expect(await shop.send(path, { ...post, body: endless, duplex: 'half' })).toMatchObject(tooLarge)
    expect(sent).toBeLessThan(20)
  })

  it('that do not come are not waited for', async () => {
    await using shop = await openShop({ limits: { bodyMs: 20 } })
    const path = `/workflows/orders/runs/${await shop.paid('a')}/actions`
    let cancelled = false
    const silent = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) })
    expect(await shop.send(path, { ...post, body: silent, duplex: 'half' })).toMatchObject({
      status: 408,
      body: { error: { code: 'TooSlow' } },
    })
    expect(cancelled).toBe(true)
  })

  it('that are not JSON in UTF-8 are refused', async () => {
    await using shop = await openShop()
    const path = `/workflows/orders/runs/${await shop.paid('a')}/actions`
    const notJson = { status: 415, body: { error: { code: 'NotJson' } } }
    for (const body of ['', '{', '{"action":"pause","reason":"x"', 'action=pause&reason=x', new Uint8Array([0xff, 0xfe])])
      expect(await shop.send(path, { ...post, body }), String(body)).toMatchObject(notJson)
    const good = JSON.stringify({ action: 'pause', reason: 'x' })
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/json-seq'])
      expect(await shop.send(path, { method: 'POST', headers: { ...headers, 'content-type': type }, body: good }), type).toMatchObject(
        notJson,
      )
    expect(await shop.send(path, { method: 'POST', headers: { 'x-workflow-webui': '1' } })).toMatchObject(notJson)
  })

  it('that are deep or try to reach prototypes are refused', async () => {
    await using shop = await openShop()
    const path = `/workflows/orders/runs/${await shop.paid('a')}/actions`
    const deep = `{"action":"pause","reason":${'['.repeat(30_000)}${']'.repeat(30_000)}}`
    expect((await shop.post(path, deep)).status).toBe(400)
    expect((await shop.post(path, '{"action":"pause","reason":"x","__proto__":{"readOnly":true}}')).status).not.toBe(500)
    expect(
      (await shop.post('/workflows/orders/bulk/preview', '{"action":"pause","filter":{"metadata":{"__proto__":"x"}}}')).status,
    ).not.toBe(500)
    expect(({} as { readOnly?: boolean }).readOnly).toBeUndefined()
  })
})

describe('paths', () => {
  it('that lead elsewhere lead nowhere', async () => {
    await using shop = await openShop({ basePath: '/admin' })
    const ask = async (path: string): Promise<number> => (await shop.ui(new Request(`${site}${path}`))).status
    expect(await ask('/admin/api/v1/session')).toBe(200)
    for (const path of [
      '/',
      '/api/v1/session',
      '/admin/api',
      '/admin/nothing',
      '/administrator/api/v1/session',
      '/admin/api/v1',
      '/admin/api/v1/',
      '/admin/api/v1//session',
      '/admin/api/v1/session/',
      '/admin/api/v2/session',
      '/admin/api/v1/../../etc/passwd',
      '/admin/api/v1/%2e%2e/%2e%2e/etc/passwd',
      '/admin/api/v1/..%2f..%2fetc%2fpasswd',
      '/admin/api/v1/workflows/..%2forders/runs',
      '/admin/api/v1/workflows/constructor/runs',
      '/admin/api/v1/workflows/__proto__/runs',
    ])
      expect(await ask(path), path).toBe(404)
    expect(await ask('/admin/api/v1/workflows/%ff/runs')).toBe(400)
    expect(await ask('/admin/api/v1/workflows/orders/runs/%00')).toBe(400)
    expect(await ask(`/admin/api/v1/workflows/orders/runs/${'x'.repeat(5_000)}`)).toBe(400)
  })
})

describe('texts', () => {
  const markup = '<script>alert(1)</script>"\'><img src=x onerror=alert(1)>\u2028'

  it('that are stored come back as JSON that no browser takes for a page', async () => {
    await using shop = await openShop({ authorize: () => ({ actor: markup, permissions: ['view', 'act', 'delete'] }) })
    const runId = await shop.paid(markup, { object: { card: markup }, metadata: { [markup]: markup } })
    const path = `/workflows/orders/runs/${runId}`
    expect((await shop.post(`${path}/actions`, { action: 'pause', reason: markup })).status).toBe(200)
    for (const tail of [
      path,
      `${path}/history?objects=true`,
      `${path}/explanation`,
      '/workflows/orders/runs',
      '/overview',
      `/nowhere/${markup}`,
    ]) {
      const answer = await shop.get(tail)
      expect(answer.headers.get('content-type'), tail).toBe('application/json; charset=utf-8')
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(answer.headers.get('x-frame-options')).toBe('DENY')
    }
    expect((await shop.get(path)).body).toMatchObject({ foreignId: markup, object: { value: { card: markup } }, pause: { reason: markup } })
  })

  it('with line breaks never become headers', async () => {
    await using shop = await openShop()
    const evil = 'x\r\nset-cookie: a=b'
    const answers = [
      await shop.get(`/workflows/${encodeURIComponent(evil)}`),
      await shop.get(`/workflows/orders/runs?cursor=${encodeURIComponent(evil)}`),
      await shop.get(`/workflows/orders/runs?foreignId=${encodeURIComponent(evil)}`),
      await shop.get(`/workflows/orders/runs?${encodeURIComponent(evil)}=1`),
      await shop.post(`/workflows/orders/runs/${await shop.paid('a')}/actions`, { action: 'pause', reason: evil }),
    ]
    for (const { status, headers: sent } of answers) {
      expect(status).toBeLessThan(500)
      expect(sent.get('set-cookie')).toBeNull()
      for (const [, value] of sent) expect(value).not.toContain('set-cookie')
    }
  })

  it('of failures that nobody expected stay in the log', async () => {
    const secret = 'postgres://user:password@db'
    await using shop = await openShop()
    const { ui } = shop
    const request = new Request(`${site}/api/v1/session`)
    Object.defineProperty(request, 'headers', {
      get: () => {
        throw new Error(secret)
      },
    })
    const response = await ui(request)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain(secret)
    expect(shop.lines).toMatchObject([{ level: 'error', fields: { error: { message: secret } } }])
  })
})
