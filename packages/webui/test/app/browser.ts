/** A real browser before a shop that is served: for the tests of the pages. */
import { createServer, type Server } from 'node:http'
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

export async function served(ui: WebUi): Promise<{ readonly url: string } & AsyncDisposable> {
  const server: Server = createServer(toNodeListener(ui))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    url,
    async [Symbol.asyncDispose]() {
      await ui.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export interface Window extends AsyncDisposable {
  readonly page: Page
  readonly faults: string[]
  /** Opens a page of ours, and resolves once nothing of it is still to come. */
  readonly show: (path: string) => Promise<void>
}

/** A window, and everything that a page of ours may not do: errors, warnings, requests to other hosts. */
export async function openWindow(
  browser: Browser,
  url: string,
  look: { readonly colorScheme?: 'light' | 'dark'; readonly width?: number } = {},
): Promise<Window> {
  const { colorScheme = 'light', width = 1_440 } = look
  // As people have them: a phone, a laptop, a large screen.
  const height = width < 720 ? 780 : width > 2_000 ? 2_160 : 900
  const context = await browser.newContext({ colorScheme, viewport: { width, height }, reducedMotion: 'reduce' })
  const page = await context.newPage()
  const faults: string[] = []
  page.on('console', (line) => {
    if (['error', 'warning'].includes(line.type())) faults.push(line.text())
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
      await page.waitForFunction("document.querySelector('.skeleton') === null")
    },
    async [Symbol.asyncDispose]() {
      await context.close()
    },
  }
}
