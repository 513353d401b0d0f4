/** The pages with more than anybody should have: what they draw stays bounded, and they stay quick. Prints what it measures. */
import { type AnyGraph, type Exits, unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'
import type { Browser } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { webui } from '../../src/index.ts'
import { quiet } from '../shop.ts'
import { overflow, violations } from './accessibility.ts'
import { openBrowser, openWindow, served } from './browser.ts'

const browser = await openBrowser()
afterAll(async () => await browser?.close())

const visits = workflow('visits', { object: unchecked<{ readonly n: number }>(), graph: { come: { callback: ['gone'] }, gone: {} } })

async function openVisits() {
  const client = visits.client({ ...memory(), logger: quiet })
  const server = await served(webui({ workflows: [client], unsafeNoAuth: true, logger: quiet }))
  const window = await openWindow(browser as Browser, server.url)
  window.page.setDefaultTimeout(120_000)
  return {
    client,
    window,
    async [Symbol.asyncDispose](): Promise<void> {
      await window[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await client.close()
    },
  }
}

/** Scrolls a list from its end to its beginning in jumps of a screen, a frame each; the milliseconds of each frame. */
const scrollThrough = `new Promise((resolve) => {
  const list = document.querySelector('.list')
  const [frames, rows, shown] = [[], [], []]
  let before = performance.now()
  let left = 300
  const step = (now) => {
    frames.push(now - before)
    before = now
    rows.push(list.querySelectorAll('[data-row]').length)
    const [top, bottom] = [list.getBoundingClientRect().top, list.getBoundingClientRect().bottom]
    shown.push([...list.querySelectorAll('[data-row]')].some((row) => {
      const box = row.getBoundingClientRect()
      return box.top < bottom && box.bottom > top
    }))
    if (--left === 0) return resolve({ frames, rowsMax: Math.max(...rows), empty: shown.filter((one) => !one).length })
    list.scrollTop = (list.scrollHeight * left) / 300
    requestAnimationFrame(step)
  }
  requestAnimationFrame(step)
})`

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN
}

describe.skipIf(browser === undefined)('pages', () => {
  test('a list of 100,000 runs begins at once, grows to its end, and scrolls without gaps', async () => {
    await using opened = await openVisits()
    const { client, window } = opened
    const { page } = window
    for (let i = 0; i < 100; i++)
      await client.triggerMany(Array.from({ length: 1_000 }, (_, n) => ({ foreignId: `visit-${i * 1_000 + n}`, initialValue: { n } })))
    const firstRows: number[] = []
    for (let i = 0; i < 7; i++) {
      await page.goto('about:blank')
      const before = performance.now()
      await window.show('runs/visits')
      await page.locator('[data-row="0"]').waitFor()
      firstRows.push(performance.now() - before)
    }
    expect(window.faults.splice(0)).toEqual([])
    await page.locator('[data-row="0"]').focus()
    const loadedFrom = performance.now()
    while (await page.getByText('more as you scroll').isVisible()) await page.keyboard.press('End')
    const loadedMs = performance.now() - loadedFrom
    await page.getByText(/^100.000 runs loaded; these are all$/).waitFor()
    const { frames, rowsMax, empty } = await page.evaluate<{
      readonly frames: readonly number[]
      readonly rowsMax: number
      readonly empty: number
    }>(scrollThrough)
    console.log(
      `100,000 runs: first row after ${percentile(firstRows, 0.5).toFixed(0)} ms (half of 7), all loaded in ${(loadedMs / 1_000).toFixed(1)} s; ` +
        `frames of ${percentile(frames, 0.5).toFixed(1)} ms (half), ${percentile(frames, 0.95).toFixed(1)} ms (95 %), ${rowsMax} rows drawn at most`,
    )
    expect(percentile(firstRows, 0.5)).toBeLessThan(500)
    expect(rowsMax).toBeLessThan(60)
    expect(empty).toBe(0)
    expect(percentile(frames, 0.5)).toBeLessThan(34)
    expect(percentile(frames, 0.95)).toBeLessThan(100)
    expect(window.faults).toEqual([])
  })

  test('a history of 10,000 entries is shown from its end, and to its beginning', async () => {
    await using opened = await openVisits()
    const { client, window } = opened
    const { page } = window
    const runId = await client.trigger('restless', { initialValue: { n: 1 } })
    for (let i = 0; i < 4_999; i++) {
      await client.pause(runId, { actor: 'ann', reason: `stop ${i}` })
      await client.resume(runId, { actor: 'bob', reason: `go ${i}` })
    }
    const from = performance.now()
    await window.show(`runs/visits/${runId}`)
    await page.getByText('bob: go 4998', { exact: true }).waitFor()
    const shownMs = performance.now() - from
    expect(await page.locator('.timeline > li').count()).toBe(200)
    const before = page.getByRole('button', { name: /^What came before/ })
    for (let turns = 0; turns < 20; turns++) await before.click()
    expect(await before.isVisible()).toBe(false)
    expect(await page.locator('.timeline > li').count()).toBe(299)
    await page.getByText('Initiated', { exact: true }).first().waitFor()
    const after = page.getByRole('button', { name: /^What came after/ })
    while (await after.isVisible()) await after.click()
    await client.pause(runId, { actor: 'ann', reason: 'the last one' })
    await page.getByText('ann: the last one', { exact: true }).waitFor()
    expect(await page.locator('.timeline > li').count()).toBe(200)
    console.log(
      `A history of 10,000 entries: shown after ${shownMs.toFixed(0)} ms, gone through and new after ${(performance.now() - from).toFixed(0)} ms`,
    )
    expect(shownMs).toBeLessThan(5_000)
    expect(await overflow(page)).toBe(0)
    expect(window.faults).toEqual([])
  })

  test('a diagram of 200 statuses is drawn whole, and scrolls within its panel', async () => {
    const exitsOf = (i: number): Exits =>
      i > 196 ? {} : { callback: [`status-${i + 1}`, `status-${Math.min(199, i * 2 + 2)}`, ...(i % 9 === 8 ? [`status-${i - 8}`] : [])] }
    const graph: AnyGraph = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`status-${i}`, exitsOf(i)]))
    const wide = workflow('wide', { object: unchecked<{ readonly n: number }>(), graph })
    const client = wide.client({ ...memory(), logger: quiet })
    await using server = await served(webui({ workflows: [client], unsafeNoAuth: true, logger: quiet }))
    for (const width of [1_440, 360]) {
      await using window = await openWindow(browser as Browser, server.url, { width })
      const before = performance.now()
      await window.show('workflows/wide')
      await window.page.locator('.box').first().waitFor()
      console.log(`A diagram of 200 statuses at ${width} pixels: shown after ${(performance.now() - before).toFixed(0)} ms`)
      expect(await window.page.locator('.box').count()).toBe(200)
      expect(await overflow(window.page)).toBe(0)
      expect(await violations(window.page)).toEqual([])
      expect(window.faults).toEqual([])
    }
    await client.close()
  })
})
