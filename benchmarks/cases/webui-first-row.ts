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

/** In a window that keeps nothing of those before. */
async function firstRowMs(browser: Browser, url: string): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1_440, height: 900 } })
  try {
    const page = await context.newPage()
    const from = performance.now()
    await page.goto(url, { timeout: waitMsMax })
    await page.locator('[data-row="0"]').waitFor({ timeout: waitMsMax })
    return performance.now() - from
  } finally {
    await context.close()
  }
}

async function openBrowser(): Promise<Browser> {
  const found = await installChromium()
  return await chromium.launch({
    executablePath: found.program,
    env: { ...process.env, ...found.env },
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update'],
  })
}
