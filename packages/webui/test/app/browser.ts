/** A real browser before a shop that is served: for the tests of the pages. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium, type Page } from 'playwright-core'
import { installChromium } from '../../../../scripts/services/chromium-binaries.ts'
import { toNodeListener, type WebUi } from '../../src/index.ts'

/** Undefined where none is to be had; then this says so and what to do, and the tests are skipped. */
export async function openBrowser(): Promise<Browser | undefined> {
  const found = await installChromium().catch((error: unknown) => {
    console.error(`TESTS OF THE PAGES OF @workflow/webui ARE SKIPPED: ${error instanceof Error ? error.message : String(error)}`)
  })
  if (found === undefined) return undefined
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']
  return await chromium.launch({
    executablePath: found.program,
    env: { ...process.env, ...found.env },
    args: [...args, '--disable-component-update', '--disable-sync'],
  })
}

export interface Served extends AsyncDisposable {
  readonly url: string
  /** Cuts every connection, and answers nobody until `restore`. */
  readonly cut: () => Promise<void>
  readonly restore: () => Promise<void>
}

export async function served(ui: WebUi): Promise<Served> {
  const server = createServer(toNodeListener(ui))
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  const cut = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return {
    url: `http://127.0.0.1:${port}/`,
    cut,
    restore: () => listen(port),
    async [Symbol.asyncDispose]() {
      await ui.close()
      if (server.listening) await cut()
    },
  }
}

export interface Look {
  readonly colorScheme?: 'light' | 'dark'
  readonly width?: number
}

export interface Window extends AsyncDisposable {
  readonly page: Page
  /** What a page of ours may not do: errors, warnings, requests to other hosts. */
  readonly faults: string[]
  /** Opens a page of ours, and resolves once nothing of it is still to come. */
  readonly show: (path: string) => Promise<void>
}

/** As people have them: a phone, a laptop, a large screen. */
function heightOf(width: number): number {
  if (width < 720) return 780
  return width > 2_000 ? 2_160 : 900
}

export async function openWindow(browser: Browser, url: string, { colorScheme = 'light', width = 1_440 }: Look = {}): Promise<Window> {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: heightOf(width) }, reducedMotion: 'reduce' })
  const page = await context.newPage()
  const faults: string[] = []
  page.on('console', (line) => {
    // An answer that says no is noted by the browser itself; what pages make of it is tested.
    const refused = /Failed to load resource: the server responded with a status of (4\d\d|503)|net::ERR_(CONNECTION_|INCOMPLETE_|EMPTY_)/
    if (['error', 'warning'].includes(line.type()) && !refused.test(line.text())) faults.push(line.text())
  })
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) faults.push(`asked ${request.url()}`)
  })
  return {
    page,
    faults,
    show: async (path) => {
      await page.goto(url + path)
      await page.locator('h1').waitFor()
      await page.locator('main:not(:has(.skeleton))').waitFor()
    },
    async [Symbol.asyncDispose]() {
      await context.close()
    },
  }
}

/** The same window with another look. */
export async function wear({ page }: Window, { colorScheme = 'light', width = 1_440 }: Look): Promise<void> {
  await page.emulateMedia({ colorScheme })
  await page.setViewportSize({ width, height: heightOf(width) })
}
