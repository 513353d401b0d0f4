/** How long a browser takes from an address to the first row of the list of runs, where very many are stored. */
import { type Browser, chromium } from 'playwright-core'
import { installChromium } from '../../scripts/services/chromium-binaries.ts'
import type { Case } from '../harness/bench.ts'
import { Child } from '../harness/child.ts'
import type { KeptClaims } from '../harness/kept-claims.ts'

const visits = 7
const waitMsMax = 60_000

/** The browser is new for the first visit only; the server is, too. */
export function webuiFirstRow(name: string, claims: KeptClaims): Case {
  return {
    name,
    runs: 1_000_000,
    measure: async ({ runs }) => {
      const stored = await claims.of(runs)
      await using server = new Child('webui', [stored.address])
      const { url } = await server.next<{ url: string }>()
      const browser = await openBrowser()
      try {
        const values: number[] = []
        for (let i = 0; i < visits; i++) values.push(await firstRowMs(browser, `${url}/runs/claims`))
        return [{ metric: 'list of runs, first row', unit: 'ms', values }]
      } finally {
        await browser.close()
        await server.end()
      }
    },
  }
}

/** In a window that keeps nothing of those before: from the start of the navigation, by the browser's own clock. */
async function firstRowMs(browser: Browser, url: string): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1_440, height: 900 } })
  try {
    const page = await context.newPage()
    await page.addInitScript(noteFirstRow)
    await page.goto(url, { timeout: waitMsMax })
    const noted = await page.waitForFunction(() => (globalThis as Noted).firstRowMs, undefined, { timeout: waitMsMax })
    return (await noted.jsonValue()) ?? Number.NaN
  } finally {
    await context.close()
  }
}

interface Noted {
  firstRowMs?: number
}

/** Runs in the page, before anything of it. */
function noteFirstRow(): void {
  const { document, MutationObserver, performance } = globalThis as unknown as PageWorld
  const observer = new MutationObserver(() => {
    if (document.querySelector('[data-row="0"]') === null) return
    ;(globalThis as Noted).firstRowMs = performance.now()
    observer.disconnect()
  })
  observer.observe(document, { childList: true, subtree: true })
}

/** What a page has and a process has not. */
interface PageWorld {
  readonly document: { readonly querySelector: (selector: string) => object | null }
  readonly MutationObserver: new (
    look: () => void,
  ) => {
    readonly observe: (node: object, options: object) => void
    readonly disconnect: () => void
  }
  readonly performance: { readonly now: () => number }
}

async function openBrowser(): Promise<Browser> {
  const found = await installChromium()
  return await chromium.launch({
    executablePath: found.program,
    env: { ...process.env, ...found.env },
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update'],
  })
}
