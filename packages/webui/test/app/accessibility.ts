/** What axe finds wrong with what a window shows. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface AxeResult {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[]
}

/** What depends on colours and sizes. */
const looks = ['color-contrast', 'link-in-text-block', 'target-size', 'scrollable-region-focusable']

/** In words; empty where nothing is. `looks`: only by the rules for which it matters how a page looks, which is much quicker. */
export async function violations(page: Page, rules: 'all' | 'looks' = 'all'): Promise<readonly string[]> {
  // As the developer tools would: scripts from elsewhere are what the policy of the page forbids.
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(axe)
  const options = {
    resultTypes: ['violations'],
    preload: false,
    ...(rules === 'looks' ? { runOnly: { type: 'rule', values: looks } } : {}),
  }
  const result = await page.evaluate<AxeResult>(`axe.run(${JSON.stringify(options)})`)
  return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}

/** Pixels by which the page is wider than the window. */
export async function overflow(page: Page): Promise<number> {
  return await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
}
