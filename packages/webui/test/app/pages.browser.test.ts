/** The pages in a real Chromium: they show, act, follow changes, take keys, and are accessible. Skipped aloud where there is none. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { openShop } from '../shop.ts'
import { openBrowser, openWindow, served } from './browser.ts'

const browser: Browser | undefined = await openBrowser()
afterAll(async () => await browser?.close())

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const hostile = `<img src=x onerror="window.hit=1">'"\`</script><script>window.hit=1</script>`

/** What axe finds wrong, in words. */
async function violations(page: Page): Promise<readonly string[]> {
  // As the developer tools would: scripts from elsewhere are what the policy of the page forbids.
  await page.evaluate(axe)
  return await page.evaluate(async () => {
    const { axe: tool } = globalThis as unknown as {
      readonly axe: {
        run(): Promise<{ readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[] }>
      }
    }
    const result = await tool.run()
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
  })
}

describe.skipIf(browser === undefined)('pages', () => {
  const open = async (url: string, look: Parameters<typeof openWindow>[2] = {}) => await openWindow(browser as Browser, url, look)

  test('every page is accessible, in both schemes and on a phone, and does nothing that it may not', { timeout: 60_000 }, async () => {
    await using shop = await openShop()
    const refused = await shop.refused('order-refused')
    await shop.paid('order-paid', { metadata: { city: 'Bonn' } })
    await shop.done('order-done')
    await using server = await served(shop.ui)
    const paths = ['', 'runs/orders', `runs/orders/${refused}`, 'workflows/orders', 'workflows/orders/analytics']
    for (const look of [
      { colorScheme: 'light', width: 1_440 },
      { colorScheme: 'dark', width: 360 },
    ] as const) {
      await using window = await open(server.url, look)
      for (const path of paths) {
        await window.page.goto(server.url + path)
        await window.page.locator('h1').waitFor()
        await window.page.locator('.skeleton').first().waitFor({ state: 'detached' })
        expect(await violations(window.page), `${path} ${look.colorScheme}`).toEqual([])
        expect(await window.page.evaluate('document.documentElement.scrollWidth - innerWidth'), path).toBe(0)
      }
      expect(window.faults).toEqual([])
    }
  })

  test('what people and programs write is text', async () => {
    await using shop = await openShop()
    const runId = await shop.paid(hostile, { object: { card: hostile }, metadata: { note: hostile } })
    await shop.app.pause(runId, { actor: hostile, reason: hostile })
    await using server = await served(shop.ui)
    await using window = await open(server.url)
    for (const path of [
      '',
      'runs/orders',
      `runs/orders/${runId}`,
      'workflows/orders',
      `runs/orders?foreignId=${encodeURIComponent(hostile)}`,
    ]) {
      await window.page.goto(server.url + path)
      await window.page.getByText(hostile, { exact: false }).or(window.page.locator(`input`)).first().waitFor()
      expect(await window.page.evaluate('window.hit'), path).toBeUndefined()
    }
    expect(window.faults).toEqual([])
  })

  test('a person pauses a run, with a reason, and the page follows', async () => {
    await using shop = await openShop()
    const runId = await shop.paid('order-1')
    await using server = await served(shop.ui)
    await using window = await open(server.url)
    await window.page.goto(`${server.url}runs/orders/${runId}`)
    await window.page.getByRole('button', { name: 'Pause' }).click()
    const dialog = window.page.getByRole('dialog')
    expect(await dialog.getByRole('button', { name: 'Pause' }).isDisabled()).toBe(true)
    await dialog.getByLabel(/Reason/).fill('waiting for Ann')
    await dialog.getByLabel(/Reason/).press('Enter')
    await window.page.getByText('ann: waiting for Ann', { exact: true }).waitFor()
    expect((await shop.app.lookup(runId))?.state).toBe('Paused')
    await shop.app.resume(runId, { actor: 'bob', reason: 'found her' })
    await window.page.getByText('bob: found her', { exact: true }).waitFor()
    expect(window.faults).toEqual([])
  })

  test('somebody else was faster: nothing is overwritten, and the page says so', async () => {
    await using shop = await openShop()
    const runId = await shop.paid('order-1')
    await using server = await served(shop.ui)
    await using window = await open(server.url)
    await window.page.goto(`${server.url}runs/orders/${runId}`)
    await window.page.getByRole('button', { name: 'Cancel the run' }).click()
    await shop.app.pause(runId, { actor: 'bob', reason: 'wait' })
    const dialog = window.page.getByRole('dialog')
    await dialog.getByLabel(/Reason/).fill('not needed')
    await dialog.getByRole('button', { name: 'Cancel the run' }).click()
    await dialog.getByText('Somebody else was faster').waitFor()
    expect((await shop.app.lookup(runId))?.state).toBe('Paused')
  })

  test('many runs are resumed by keyboard alone: filter, select, preview, progress', async () => {
    await using shop = await openShop()
    for (const name of ['a', 'b', 'c']) await shop.app.pause(await shop.paid(name), { actor: 'ann', reason: 'stop' })
    await using server = await served(shop.ui)
    await using window = await open(server.url)
    const { keyboard } = window.page
    await window.page.goto(`${server.url}runs/orders?state=Paused`)
    await window.page.locator('[data-row="0"]').focus()
    for (const key of ['x', 'j', 'x']) await keyboard.press(key)
    await window.page.getByText('2 runs selected').waitFor()
    await window.page.getByRole('button', { name: 'Act on them' }).focus()
    await keyboard.press('Enter')
    const dialog = window.page.getByRole('dialog')
    await dialog.getByText('This touches 2 runs.').waitFor()
    await dialog.getByLabel(/Reason/).focus()
    await keyboard.type('go on')
    await keyboard.press('Enter')
    await dialog.getByText('2 of 2 runs').waitFor()
    await keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect((await shop.app.count('state')).get('Paused')).toBe(1)
  })

  test('the palette finds a run by its foreign id', async () => {
    await using shop = await openShop()
    await shop.paid('order-77')
    await using server = await served(shop.ui)
    await using window = await open(server.url)
    await window.page.goto(server.url)
    await window.page.locator('h1').waitFor()
    await window.page.keyboard.press('Control+k')
    await window.page.keyboard.type('order-77')
    await window.page.getByRole('option', { name: /order-77/ }).waitFor()
    await window.page.keyboard.press('Enter')
    await window.page.getByRole('heading', { name: 'order-77', level: 1 }).waitFor()
  })

  test('says that the store is down, since when, and recovers by itself', async () => {
    await using shop = await openShop()
    await shop.paid('order-1')
    await using server = await served(shop.ui)
    await using window = await open(server.url)
    shop.storeDown(true)
    await window.page.goto(`${server.url}runs/orders/some-id`)
    await window.page.getByText(/The store is down.*trying again/).waitFor()
    await window.page.goto(`${server.url}workflows/orders`)
    await window.page.getByText(/The store is down.*trying again/).waitFor()
    shop.storeDown(false)
    await window.page.getByRole('cell', { name: 'paid' }).waitFor()
    await window.page.getByRole('alert').waitFor({ state: 'detached' })
  })
})
