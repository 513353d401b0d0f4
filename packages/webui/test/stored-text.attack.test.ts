/** Attack: markup in every text that a user or an API may fill. What browsers make of it is in app/pages.browser.test.ts. */
import { unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'
import { describe, expect, it } from 'vitest'
import { webui } from '../src/index.ts'
import { type Answer, asking, openShop, quiet, site } from './shop.ts'

const markup = '<script>alert(1)</script>"\'><img src=x onerror=alert(1)>\u2028'

function expectNoPage(tail: string, { headers }: Answer): void {
  expect(headers.get('content-type'), tail).toBe('application/json; charset=utf-8')
  expect(headers.get('x-content-type-options'), tail).toBe('nosniff')
  expect(headers.get('content-security-policy'), tail).toContain("default-src 'none'")
  expect(headers.get('x-frame-options'), tail).toBe('DENY')
}

describe('texts that are stored', () => {
  it('come back as JSON that no browser takes for a page', async () => {
    await using shop = await openShop({ authorize: () => ({ actor: markup, permissions: ['view', 'act', 'delete'] }) })
    const runId = await shop.paid(markup, { object: { card: markup }, metadata: { [markup]: markup } })
    const path = `/workflows/orders/runs/${runId}`
    expect((await shop.post(`${path}/actions`, { action: 'pause', reason: markup })).status).toBe(200)
    const tails = ['', '/history?objects=true', '/explanation', '/timers', '/children'].map((tail) => path + tail)
    const encoded = encodeURIComponent(markup)
    for (const tail of [
      ...tails,
      '/session',
      '/overview',
      '/workflows/orders',
      '/workflows/orders/runs',
      '/workflows/orders/analytics',
      `/workflows/orders/runs?metadata.${encoded}=${encoded}`,
      `/nowhere/${markup}`,
      `/workflows/${encoded}/runs`,
      `${path}/move?to=${encoded}`,
      `/workflows/orders/runs?${encoded}=1`,
    ])
      expectNoPage(tail, await shop.get(tail))
    const { body } = await shop.get(path)
    expect(body).toMatchObject({
      foreignId: markup,
      metadata: { [markup]: markup },
      object: { value: { card: markup } },
      pause: { reason: markup, actor: markup },
    })
  })

  it('of errors come back so, too', async () => {
    await using shop = await openShop()
    const runId = await shop.app.trigger('e', { initialValue: { card: markup, fails: true } })
    await expect.poll(async () => (await shop.app.lookup(runId))?.state, { interval: 5 }).toBe('Paused')
    for (const tail of ['/explanation', '/history', '']) {
      const answer = await shop.get(`/workflows/orders/runs/${runId}${tail}`)
      expectNoPage(tail, answer)
      expect(JSON.stringify(answer.body)).toContain('<script>')
    }
  })

  it('of names are data wherever they stand, also those of what every object has', async () => {
    const names = ['__proto__', 'constructor', 'toString', '<img src=x onerror=alert(1)>'] as const
    const graph = Object.fromEntries([...names.map((name, i) => [name, { callback: [names[i + 1] ?? 'end'] }]), ['end', {}]]) as {
      readonly start: { readonly callback: readonly ['end'] }
      readonly end: object
    }
    const client = workflow('__proto__', { object: unchecked<object>(), graph }).client({ ...memory(), logger: quiet })
    const runId = await client.trigger('a', {
      initialValue: JSON.parse('{"__proto__":{"admin":true}}') as object,
      startAt: 'toString' as never,
    })
    const ui = webui({ workflows: [client], unsafeNoAuth: true, origins: [site], logger: quiet, redact: ({ value }) => value })
    const { get } = asking(ui)
    const path = '/workflows/__proto__'
    expect((await get('/session')).body).toMatchObject({
      workflows: [{ name: '__proto__', nodes: expect.arrayContaining([{ status: 'constructor', exits: ['callback'] }]) }],
    })
    const { byStatus } = (await get(path)).body as { byStatus: object }
    expect(Object.entries(byStatus)).toEqual([['toString', 1]])
    expect((await get(`${path}/runs?status=toString`)).body).toMatchObject({ items: [{ runId }] })
    expect((await get(`${path}/runs?status=__proto__`)).body).toEqual({ items: [] })
    expect(JSON.stringify((await get(`${path}/runs/${runId}`)).body)).toContain('{"__proto__":{"admin":true}}')
    expect((await get(`${path}/analytics`)).status).toBe(200)
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
    await ui.close()
    await client.close()
  })

  it('of failures that nobody expected stay in the log', async () => {
    const secret = 'postgres://user:password@db'
    await using shop = await openShop()
    const request = new Request(`${site}/api/v1/session`)
    Object.defineProperty(request, 'headers', {
      get: () => {
        throw new Error(secret)
      },
    })
    const response = await shop.ui(request)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain(secret)
    expect(shop.lines).toMatchObject([{ level: 'error', fields: { error: { message: secret } } }])
  })
})
