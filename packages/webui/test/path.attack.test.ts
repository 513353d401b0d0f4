/** Attack: paths that lead out of where they should. */
import { describe, expect, it } from 'vitest'
import { openShop, site } from './shop.ts'

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
