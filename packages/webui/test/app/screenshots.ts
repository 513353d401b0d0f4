/**
 * `pnpm --filter @workflow/webui screenshots [folder] [width …]`: pictures of every page in both colour schemes, into
 * `screenshots` unless a folder is named; 1440 pixels wide unless widths are. Those in docs/images are some of the light ones,
 * made smaller with `pngquant 96`.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { openBrowser, openWindow, served, type Window } from './browser.ts'
import { openGallery } from './gallery.ts'

export const screenshotFolder: string = join(import.meta.dirname, '../../screenshots')

export interface Sight {
  readonly name: string
  readonly colorScheme: 'light' | 'dark'
  readonly width: number
}

/** Shows every page of a shop with `orders` orders at every width in both schemes, and fails if a page does what it may not. */
export async function visitAll(
  browser: Browser,
  { orders, widths }: { readonly orders: number; readonly widths: readonly number[] },
  visit: (window: Window, sight: Sight) => Promise<void>,
): Promise<void> {
  await using gallery = await openGallery(orders)
  await using server = await served(gallery.ui)
  const pages = {
    dashboard: '',
    runs: 'runs/orders',
    'runs-none': 'runs/orders?foreignId=nothing',
    run: `runs/orders/${gallery.failing}`,
    'run-waiting': `runs/orders/${gallery.waiting}`,
    'run-unknown': 'runs/orders/00000000-0000-7000-8000-000000000000',
    nowhere: 'runs/refunds',
    workflow: 'workflows/orders',
    analytics: 'workflows/orders/analytics',
  }
  for (const width of widths)
    for (const colorScheme of ['light', 'dark'] as const) {
      await using window = await openWindow(browser, server.url, { colorScheme, width })
      for (const [name, path] of Object.entries(pages)) {
        await window.show(path)
        await visit(window, { name, colorScheme, width })
      }
      if (window.faults.length > 0) throw new Error(window.faults.join('\n'))
    }
}

/** `web-ui-PAGE.png` for the light scheme, `web-ui-PAGE-dark.png` for the dark one, with the width in it where it is not 1440. */
export async function takePicture({ page }: Window, { name, colorScheme, width }: Sight, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const words = ['web-ui', name, ...(colorScheme === 'dark' ? ['dark'] : []), ...(width === 1_440 ? [] : [`${width}`])]
  await page.screenshot({ path: join(folder, `${words.join('-')}.png`) })
}

if (import.meta.main) {
  const [folder = screenshotFolder, ...named] = process.argv.slice(2)
  const widths = named.length === 0 ? [1_440] : named.map(Number)
  const browser = await openBrowser()
  if (browser === undefined) process.exitCode = 1
  else await visitAll(browser, { orders: 400, widths }, (window, sight) => takePicture(window, sight, folder))
  await browser?.close()
}
