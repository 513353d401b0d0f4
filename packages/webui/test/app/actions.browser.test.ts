/** What people do to runs on the pages, in a real Chromium. Skipped aloud where there is none. */
import { describe, expect, test } from 'vitest'
import { violations } from './accessibility.ts'
import { openBrowser } from './browser.ts'
import { openPages } from './open-pages.ts'

const browser = await openBrowser()

describe.skipIf(browser === undefined)('acting on a run', () => {
  const pages = openPages(browser)

  test('pauses it, with a reason, and the page follows', async () => {
    const { shop, window } = pages.of()
    const { page } = window
    const runId = await shop.paid('order-pause')
    await window.show(`runs/orders/${runId}`)
    await page.getByRole('button', { name: 'Pause' }).click()
    const dialog = page.getByRole('dialog')
    expect(await dialog.getByRole('button', { name: 'Pause' }).isDisabled()).toBe(true)
    await dialog.getByLabel(/Reason/).fill('waiting for Ann')
    await dialog.getByLabel(/Reason/).press('Enter')
    await page.getByText('ann: waiting for Ann', { exact: true }).waitFor()
    expect((await shop.app.lookup(runId))?.state).toBe('Paused')
    await shop.app.resume(runId, { actor: 'bob', reason: 'found her' })
    await page.getByText('bob: found her', { exact: true }).waitFor()
  })

  test('overwrites nothing where somebody else was faster, and says so', async () => {
    const { shop, window } = pages.of()
    const runId = await shop.paid('order-raced')
    await window.show(`runs/orders/${runId}`)
    await window.page.getByRole('button', { name: 'Cancel the run' }).click()
    await shop.app.pause(runId, { actor: 'bob', reason: 'wait' })
    const dialog = window.page.getByRole('dialog')
    await dialog.getByLabel(/Reason/).fill('not needed')
    await dialog.getByRole('button', { name: 'Cancel the run' }).click()
    await dialog.getByText('Somebody else was faster').waitFor()
    expect((await shop.app.lookup(runId))?.state).toBe('Paused')
  })

  test('takes it back, once it was seen what may happen again, and skips ahead', async () => {
    const { shop, window } = pages.of()
    const { page } = window
    const runId = await shop.paid('order-moved')
    await shop.app.pause(runId, { actor: 'bob', reason: 'wrong card' })
    await window.show(`runs/orders/${runId}`)
    await page.getByRole('button', { name: 'Move to a status' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(/Reason/).fill('take the card anew')
    const confirm = dialog.getByRole('button', { name: 'Move to a status' })
    expect(await confirm.isDisabled()).toBe(true)
    await dialog.getByLabel('To the status').selectOption('done')
    await dialog.getByText('This skips ahead.').waitFor()
    await dialog.getByText('The run is completed by it.').waitFor()
    await dialog.getByText('Cancelled timers:').waitFor()
    await dialog.getByLabel('To the status').selectOption('created')
    await dialog.getByText('This leads back.').waitFor()
    expect(await dialog.getByRole('list', { name: 'May happen again' }).innerText()).toContain('created → paid')
    expect(await violations(page)).toEqual([])
    await confirm.click()
    await page.getByText('ann: take the card anew', { exact: true }).waitFor()
    // From where it was taken to it goes on by itself.
    await page.getByText('It waits for a callback at paid.').waitFor()
    expect(await shop.app.lookup(runId)).toMatchObject({ status: 'paid', state: 'Running' })
  })

  test('cancels it, deletes its data, and retries it as a new run', async () => {
    const { shop, window } = pages.of()
    const { page } = window
    const runId = await shop.paid('order-cancelled', { object: { card: 'card-of-somebody' } })
    await window.show(`runs/orders/${runId}`)
    const act = async (button: string, reason: string): Promise<void> => {
      await page.getByRole('button', { name: button }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel(/Reason/).fill(reason)
      await dialog.getByRole('button', { name: button }).click()
      await dialog.waitFor({ state: 'detached' })
    }
    await act('Cancel the run', 'sold out')
    await page.getByText('ann: sold out', { exact: true }).waitFor()
    await act('Retry as a new run', 'there is more')
    await page.waitForURL((url) => !url.pathname.endsWith(runId))
    await page.getByText('It waits for a callback at paid.').waitFor()
    await window.show(`runs/orders/${runId}`)
    await page.getByText('card-of-somebody').first().waitFor()
    await act('Delete its data', 'asked for it')
    await page.getByText('Data deleted').first().waitFor()
    await expect.poll(() => page.locator('body').innerText()).not.toContain('card-of-somebody')
    expect((await shop.app.lookup(runId))?.state).toBe('DataDeleted')
  })

  test('or on many of them, by keyboard alone: filter, select, preview, progress', async () => {
    const { shop, window } = pages.of()
    const { keyboard } = window.page
    const group = { metadata: { group: 'bulk' } }
    for (const name of ['a', 'b', 'c']) await shop.app.pause(await shop.paid(name, group), { actor: 'ann', reason: 'stop' })
    await window.show('runs/orders?state=Paused&metadata.group=bulk')
    await window.page.locator('[data-row="0"]').focus()
    for (const key of ['x', 'j', 'x']) await keyboard.press(key)
    await window.page.getByText('2 runs selected').waitFor()
    await window.page.getByRole('button', { name: 'Act on them' }).focus()
    await keyboard.press('Enter')
    const dialog = window.page.getByRole('dialog')
    await dialog.getByText('This touches 2 runs.').waitFor()
    expect(await violations(window.page)).toEqual([])
    await dialog.getByLabel(/Reason/).focus()
    await keyboard.type('go on')
    await keyboard.press('Enter')
    await dialog.getByText('2 of 2 runs').waitFor()
    await keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect((await shop.app.list({ ...group, state: 'Paused' })).items).toHaveLength(1)
  })
})
