/** The pages as they are served: built into the package, under a strict policy, to those who may see. */
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { pages } from '../build/fresh-pages.ts'
import { scriptBytesMax } from '../build/pages.ts'
import { openShop, site } from './shop.ts'

const get = (ui: (request: Request) => Promise<Response>, path: string, init: RequestInit = {}): Promise<Response> =>
  ui(new Request(`${site}${path}`, init))

describe('pages', () => {
  test.each(['/', '/runs/orders', '/runs/orders/some-id?x=1', '/workflows/orders/analytics'])(
    'answers %s with the document',
    async (path) => {
      await using shop = await openShop()
      const answer = await get(shop.ui, path)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(await answer.text()).toContain('<base href="/" />')
      const policy = answer.headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("require-trusted-types-for 'script'")
      expect(policy).not.toContain('unsafe')
    },
  )

  test('has its base below the base path, with a slash or without', async () => {
    await using shop = await openShop({ basePath: '/admin' })
    for (const path of ['/admin', '/admin/', '/admin/runs/orders']) {
      const answer = await get(shop.ui, path)
      expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('<base href="/admin/" />')])
    }
    expect((await get(shop.ui, '/administrator')).status).toBe(404)
    expect((await get(shop.ui, '/')).status).toBe(404)
  })

  test('serves its files by name, and no other file', async () => {
    await using shop = await openShop()
    const script = await get(shop.ui, '/assets/app.js')
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    const etag = script.headers.get('etag') ?? ''
    expect((await get(shop.ui, '/assets/app.js', { headers: { 'if-none-match': etag } })).status).toBe(304)
    for (const path of ['/assets/', '/assets/..%2f..%2fpackage.json', '/assets/index.html', '/etc/passwd', '/favicon.ico'])
      expect((await get(shop.ui, path)).status).toBe(404)
    expect((await get(shop.ui, '/runs/orders', { method: 'POST' })).status).toBe(405)
    const head = await get(shop.ui, '/', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  test('are shown to nobody whom authorize does not let in, and may be linked to from other sites', async () => {
    const login = (): Response => new Response(null, { status: 302, headers: { location: '/login' } })
    await using closed = await openShop({ authorize: login })
    expect((await get(closed.ui, '/')).status).toBe(302)
    expect((await get(closed.ui, '/assets/app.js')).status).toBe(302)
    await using blind = await openShop({ authorize: () => ({ actor: 'eve', permissions: [] }) })
    expect((await get(blind.ui, '/')).status).toBe(403)
    await using open = await openShop()
    expect((await get(open.ui, '/runs/orders', { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(200)
  })

  test('have no inline script or style, and ask no other host', () => {
    expect(pages['index.html']).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*src=)/)
    const files = [pages['index.html'], pages['app.css'], pages['app.js']].join('\n')
    const hosts = [...files.matchAll(/https?:\/\/[\w.-]+/g)].map(([host]) => host)
    // Names of XML, which nobody fetches.
    expect([...new Set(hosts)].filter((host) => host !== 'http://www.w3.org')).toEqual([])
  })

  test('the script stays small', () => {
    expect(gzipSync(pages['app.js']).length).toBeLessThan(scriptBytesMax)
  })
})
