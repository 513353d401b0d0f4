/** Texts of logs and errors that the page on troubles quotes are those of the code, so that whoever searches for one finds it. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
/** What the code puts together, or others say: kafkajs, of a codec that it does not have. */
const elsewhere = ['a connector failed; trying again', 'compression not implemented']

/** The sources as one text, twice: as it is, and with `…` in the place of whatever a message is filled with. */
const sources = globSync('packages/*/src/**/*.ts', { cwd: root })
  .filter((path) => !/\.test(-d)?\.ts$/.test(path))
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n')
const texts = `${sources}\n${sources.replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '…')}`

/** Inline code with several words in it that is no code. */
function quotesOf(page: string): readonly string[] {
  const prose = readFileSync(join(root, page), 'utf8').replace(/```[\s\S]*?```/g, '')
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, quote = '']) => quote).filter((quote) => / .* /.test(quote) && !/\(\{|: \{ /.test(quote))
}

const quotes = quotesOf('docs/troubleshooting.md')

test('there is something to look for', () => {
  expect(quotes.length).toBeGreaterThan(30)
})

test.each(quotes)('%s', (quote) => {
  const parts = quote.split('…').map((part) => part.trim())
  // What is left of a quote between its gaps; a few letters would be found anywhere.
  const missing = parts.filter((part) => part.length >= 8 && !elsewhere.includes(part) && !texts.includes(part))
  expect(missing).toEqual([])
})
