/** What axe finds wrong with what a window shows. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface AxeResult {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[]
}

/** In words; empty where nothing is. */
export async function violations(page: Page): Promise<readonly string[]> {
  // As the developer tools would: scripts from elsewhere are what the policy of the page forbids.
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(axe)
  const result = await page.evaluate<AxeResult>("axe.run({ resultTypes: ['violations'], preload: false })")
  return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}

/** Pixels by which the page is wider than the window. */
export async function overflow(page: Page): Promise<number> {
  return await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
}
