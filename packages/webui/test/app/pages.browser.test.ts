/** The pages in a real Chromium: they are accessible, show what is, follow what happens. Skipped aloud where there is none. */
import { describe, expect, test } from 'vitest'
import { overflow, violations } from './accessibility.ts'
import { openShop } from '../shop.ts'
import { openBrowser, openWindow, served, wear } from './browser.ts'
import { openPages } from './open-pages.ts'

const browser = await openBrowser()
const hostile = `<img src=x onerror="window.hit=1">'"\`</script><script>window.hit=1</script>`

describe.skipIf(browser === undefined)('pages', () => {
  const pages = openPages(browser)

  test('are accessible, each in both schemes and on a phone, as is what opens above them', { timeout: 60_000 }, async () => {
    const { shop, window } = pages.of()
    const { page } = window
    const refused = await shop.refused('order-refused')
    await shop.paid('order-paid', { metadata: { city: 'Bonn' } })
    await shop.done('order-done')
    for (const path of ['', 'runs/orders', `runs/orders/${refused}`, 'workflows/orders', 'workflows/orders/analytics']) {
      await wear(window, {})
      await window.show(path)
      expect(await violations(page), path).toEqual([])
      await wear(window, { colorScheme: 'dark', width: 360 })
      expect(await violations(page, 'looks'), `${path}, dark`).toEqual([])
      expect(await overflow(page), path).toBe(0)
    }
    await wear(window, {})
    for (const key of ['Control+k', '?']) {
      await page.keyboard.press(key)
      await page.getByRole('dialog').waitFor()
      expect(await violations(page), key).toEqual([])
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    }
  })

  test('show what people and programs write as text', async () => {
    const { shop, window } = pages.of()
    const runId = await shop.paid(hostile, { object: { card: hostile }, metadata: { note: hostile } })
    await shop.app.pause(runId, { actor: hostile, reason: hostile })
    const filtered = `runs/orders?foreignId=${encodeURIComponent(hostile)}`
    for (const path of ['', 'runs/orders', `runs/orders/${runId}`, filtered]) {
      await window.show(path)
      await window.page.getByText(hostile, { exact: false }).first().waitFor()
      expect(await window.page.evaluate('window.hit'), path).toBeUndefined()
    }
    await shop.app.cancel(runId, { actor: 'bob', reason: 'enough' })
  })

  test('do not stay behind the answer that all viewers share for a while', async () => {
    const { shop, window } = pages.of()
    await window.show('')
    const runId = await shop.paid('order-late')
    await shop.app.pause(runId, { actor: 'bob', reason: 'enough' })
    await window.show('')
    await window.page.getByText('order-late').first().waitFor()
    await shop.app.cancel(runId, { actor: 'bob', reason: 'enough' })
  })

  test('are reached by the palette, which finds a run by its foreign id', async () => {
    const { shop, window } = pages.of()
    const { page } = window
    await shop.paid('order-77')
    await window.show('')
    await page.keyboard.press('Control+k')
    await page.keyboard.type('order-77')
    await page.getByRole('option', { name: /order-77/ }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'order-77', level: 1 }).waitFor()
  })

  test('keep a filter as a view, in this browser, until it is forgotten', async () => {
    const { window } = pages.of()
    const { page } = window
    await window.show('runs/orders')
    await page.getByRole('button', { name: 'Paused', exact: true }).click()
    await page.waitForURL(/state=Paused/)
    await page.getByLabel('Name of the view').fill('stopped')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'stopped', exact: true }).waitFor()
    await window.show('runs/orders')
    await page.getByRole('button', { name: 'stopped', exact: true }).click()
    await page.waitForURL(/state=Paused/)
    expect(await page.getByRole('button', { name: 'stopped', exact: true }).getAttribute('aria-pressed')).toBe('true')
    await page.getByRole('button', { name: 'Forget the view stopped' }).click()
    await page.getByRole('button', { name: 'stopped', exact: true }).waitFor({ state: 'detached' })
  })

  test('show what happened while the connection was cut', async () => {
    const { shop, server, window } = pages.of()
    const { page } = window
    const runId = await shop.paid('order-unheard')
    await window.show(`runs/orders/${runId}`)
    await page.getByText('Live', { exact: true }).waitFor()
    await server.cut()
    await page.getByText('Not live', { exact: true }).waitFor()
    await shop.app.pause(runId, { actor: 'bob', reason: 'while nobody looked' })
    await server.restore()
    await page.getByText('bob: while nobody looked', { exact: true }).waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
  })

  test('say that runs are still being counted, and show the counts by themselves', async () => {
    if (browser === undefined) return
    // Of its own: what other tests have asked for is kept.
    await using shop = await openShop()
    await using server = await served(shop.ui)
    await using window = await openWindow(browser, server.url)
    await shop.paid('order-paid')
    const counted = Promise.withResolvers<void>()
    shop.storeCounting(counted.promise)
    await window.show('')
    const { page } = window
    await page.getByText('Counting the runs …').first().waitFor()
    expect(await page.getByRole('link', { name: 'Running 1: runs of orders' }).count()).toBe(0)
    await page.goto(`${server.url}workflows/orders`)
    await page.getByText('Counting the runs …').waitFor()
    counted.resolve()
    await page.getByText('Counting the runs …').waitFor({ state: 'detached' })
    await page.goto(server.url)
    await page.getByRole('link', { name: 'Running 1: runs of orders' }).waitFor()
    expect(window.faults).toEqual([])
  })

  test('say that the store is down, since when, and recover by themselves', async () => {
    const { shop, window } = pages.of()
    const { page } = window
    shop.storeDown(true)
    await page.goto(`${pages.of().server.url}runs/orders/some-id`)
    await page.getByText(/The store is down.*trying again/).waitFor()
    await page.goto(`${pages.of().server.url}workflows/orders`)
    await page.getByText(/The store is down.*trying again/).waitFor()
    shop.storeDown(false)
    await page.getByRole('cell', { name: 'paid', exact: true }).waitFor()
    await page.getByRole('alert').waitFor({ state: 'detached' })
  })
})
