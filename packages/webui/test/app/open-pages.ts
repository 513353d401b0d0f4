/** One shop, one server and one window for all tests of a file: a window is opened once, pages are opened by each test. */
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { openShop } from '../shop.ts'
import { openWindow, type Served, served, type Window } from './browser.ts'

export interface OpenPages {
  readonly shop: Awaited<ReturnType<typeof openShop>>
  readonly server: Served
  readonly window: Window
}

/** What it gives is there while tests run. After each of them: no page has done what it may not. */
export function openPages(browser: Browser | undefined): { readonly of: () => OpenPages } {
  let opened: OpenPages | undefined
  beforeAll(async () => {
    if (browser === undefined) return
    const shop = await openShop()
    const server = await served(shop.ui)
    opened = { shop, server, window: await openWindow(browser, server.url) }
  })
  afterEach(() => expect(opened?.window.faults.splice(0) ?? []).toEqual([]))
  afterAll(async () => {
    await opened?.window[Symbol.asyncDispose]()
    await opened?.server[Symbol.asyncDispose]()
    await opened?.shop[Symbol.asyncDispose]()
    await browser?.close()
  })
  return {
    of: () => {
      if (opened === undefined) throw new Error('the pages are not open yet')
      return opened
    },
  }
}
