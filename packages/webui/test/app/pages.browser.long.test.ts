/** Every page in both schemes from a phone to a very large screen, with pictures of all; the pages by keyboard alone, and with odd data. */
import { unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'
import type { Browser } from 'playwright-core'
import { number, object } from 'valibot'
import { afterAll, describe, expect, test } from 'vitest'
import { webui } from '../../src/index.ts'
import { openShop, quiet } from '../shop.ts'
import { overflow, violations } from './accessibility.ts'
import { openBrowser, openWindow, served, type Window } from './browser.ts'
import { screenshotFolder, takePicture, visitAll } from './screenshots.ts'

const browser = await openBrowser()
afterAll(async () => await browser?.close())

/** Everything that opens above a page, with what opens it. */
async function checkDialogs({ page }: Window, where: string): Promise<void> {
  for (const name of ['Pause', 'Resume', 'Move to a status', 'Cancel the run', 'Act on all that match', 'Search', 'Keys']) {
    const button = page.getByRole('button', { name, exact: name !== 'Search' })
    if (!(await button.isVisible())) continue
    await button.click()
    await page.getByRole('dialog').waitFor()
    if (name === 'Move to a status') {
      await page.getByLabel('To the status').selectOption('received')
      await page.getByText('This leads back.').waitFor()
    }
    expect(await violations(page), `${where}: ${name}`).toEqual([])
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  }
}

describe.skipIf(browser === undefined)('pages', () => {
  test.each([360, 1_440, 3_840])('are accessible, fit, and open what they offer at %d pixels', async (width) => {
    let sights = 0
    await visitAll(browser as Browser, { orders: 60, widths: [width] }, async (window, sight) => {
      const where = `${sight.name} ${sight.colorScheme} ${width}`
      sights++
      await takePicture(window, sight, screenshotFolder)
      expect(await violations(window.page), where).toEqual([])
      expect(await overflow(window.page), where).toBe(0)
      await checkDialogs(window, where)
    })
    expect(sights).toBe(18)
  })

  test('make sense of times that are still to come where clocks are apart', async () => {
    await using shop = await openShop()
    await using server = await served(shop.ui)
    const runId = await shop.paid('order-of-the-future')
    await using window = await openWindow(browser as Browser, server.url)
    await window.page.clock.setFixedTime(Date.now() - 3_600_000)
    for (const path of [`runs/orders/${runId}`, 'runs/orders', 'workflows/orders', '']) {
      await window.show(path)
      expect(await window.page.locator('main').innerText(), path).not.toMatch(/NaN|−|Invalid|undefined/)
    }
    await window.show(`runs/orders/${runId}`)
    await window.page.getByText('(in 1 h)').or(window.page.getByText('(in 59 min)')).first().waitFor()
    expect(window.faults).toEqual([])
  })

  test('mark an object that cannot be read, and show the rest of its run', async () => {
    const shape = { object: object({ total: number() }), graph: { new: { callback: ['done'] }, done: {} } } as const
    const ports = memory()
    const loose = workflow('sums', { ...shape, object: unchecked<{ total: unknown }>() })
    await using app = loose.addCallback('new', async () => 'done').build({ ...ports, logger: quiet })
    const runId = await app.trigger('sum', { initialValue: { total: 'many' } })
    await app.pause(runId, { actor: 'bob', reason: 'odd' })
    const client = workflow('sums', shape).client({ ...ports, logger: quiet })
    await using server = await served(webui({ workflows: [client], unsafeNoAuth: true, logger: quiet }))
    await using window = await openWindow(browser as Browser, server.url)
    await window.show(`runs/sums/${runId}`)
    await window.page
      .getByText(/cannot be read/)
      .first()
      .waitFor()
    await window.page.getByText(/bob has paused it: odd/).waitFor()
    await window.page.getByRole('button', { name: 'Compare versions' }).click()
    await window.page.getByLabel('To version').waitFor()
    expect(await violations(window.page)).toEqual([])
    expect(window.faults).toEqual([])
  })

  test('are gone through, filtered and acted upon by keyboard alone', async () => {
    await using shop = await openShop()
    const runId = await shop.paid('order-keys')
    await shop.paid('order-other')
    await using server = await served(shop.ui)
    await using window = await openWindow(browser as Browser, server.url)
    const { page } = window
    const { keyboard } = page
    const tabTo = async (name: string): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        await keyboard.press('Tab')
        if ((await page.evaluate<string>('document.activeElement.textContent')) === name) return
      }
      throw new Error(`no Tab leads to ${name}`)
    }
    const press = async (...keys: readonly string[]): Promise<void> => {
      for (const key of keys) await keyboard.press(key)
    }
    await window.show('')
    await press('g', 'w')
    await page.waitForURL(/workflows\/orders$/)
    await press('g', 'a')
    await page.waitForURL(/analytics$/)
    await press('g', 'r')
    await page.locator('[data-row="1"]').waitFor()
    await press('/')
    await keyboard.type('order-keys')
    await press('Enter')
    await page.waitForURL(/foreignId=order-keys/)
    await expect.poll(() => page.locator('[data-row]').count()).toBe(1)
    while ((await page.evaluate('document.activeElement.dataset.row')) !== '0') await press('Tab')
    await press('Enter')
    await page.getByRole('heading', { name: 'order-keys', level: 1 }).waitFor()
    await tabTo('Pause')
    await press('Enter')
    await page.getByRole('dialog').waitFor()
    while ((await page.evaluate('document.activeElement.tagName')) !== 'INPUT') await press('Tab')
    await keyboard.type('by keys')
    await press('Enter')
    await page.getByText('ann: by keys', { exact: true }).waitFor()
    // Who has closed a dialog is where they were, as far as that is still there.
    expect((await shop.app.lookup(runId))?.state).toBe('Paused')
    await press('g', 'd')
    await page.getByRole('heading', { name: 'Dashboard' }).waitFor()
    await press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(window.faults).toEqual([])
  })
})
