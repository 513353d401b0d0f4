/**
 * `pnpm --filter @workflow/webui screenshots [folder] [width …]`: pictures of every page in both colour schemes, into
 * `screenshots` unless a folder is named; 1440 pixels wide unless widths are. Those in docs/images are some of the light ones,
 * made smaller with `pngquant 96`.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { openBrowser, openWindow, served } from './browser.ts'
import { openGallery } from './gallery.ts'

/** Names of files, and what they are of. */
export function galleryPages({
  failing,
  waiting,
}: {
  readonly failing: string
  readonly waiting: string
}): readonly (readonly [string, string])[] {
  return [
    ['dashboard', ''],
    ['runs', 'runs/orders'],
    ['run', `runs/orders/${failing}`],
    ['run-waiting', `runs/orders/${waiting}`],
    ['workflow', 'workflows/orders'],
    ['analytics', 'workflows/orders/analytics'],
  ]
}

/** Writes `web-ui-PAGE.png` for the light scheme, `web-ui-PAGE-dark.png` for the dark one, with the width in it where it is not 1440. */
async function takeAll(browser: Browser, folder: string, widths: readonly number[]): Promise<void> {
  mkdirSync(folder, { recursive: true })
  await using gallery = await openGallery(400)
  await using server = await served(gallery.ui)
  for (const width of widths)
    for (const colorScheme of ['light', 'dark'] as const) {
      await using window = await openWindow(browser, server.url, { colorScheme, width })
      for (const [name, path] of galleryPages(gallery)) {
        await window.show(path)
        const words = ['web-ui', name, ...(colorScheme === 'dark' ? ['dark'] : []), ...(width === 1_440 ? [] : [`${width}`])]
        await window.page.screenshot({ path: join(folder, `${words.join('-')}.png`) })
      }
      for (const fault of window.faults) throw new Error(fault)
    }
}

if (import.meta.main) {
  const [folder = join(import.meta.dirname, '../../screenshots'), ...widths] = process.argv.slice(2)
  const browser = await openBrowser()
  if (browser !== undefined) await takeAll(browser, folder, widths.length === 0 ? [1_440] : widths.map(Number))
  await browser?.close()
  if (browser === undefined) process.exitCode = 1
}
