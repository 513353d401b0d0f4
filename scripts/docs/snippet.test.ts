import { describe, expect, it } from 'vitest'
import { fencesOf, proseOf } from './fence.ts'
import { outputDifference, snippetsOf } from './snippet.ts'

const page = (...lines: string[]): string => lines.join('\n')

describe('snippets of a page', () => {
  it('keep the line numbers of the page', () => {
    const { snippets } = snippetsOf(fencesOf(page('# A', '', '```ts', 'const a = 1', '```')))
    expect(snippets[0]?.source.split('\n')[3]).toBe('const a = 1')
  })

  it('that continue another one share its module, each at its own lines', () => {
    const { snippets } = snippetsOf(
      fencesOf(page('```ts run', 'a()', '```', 'text', '```ts continue', 'b()', '```', '```text output', 'out', '```')),
    )
    expect(snippets).toHaveLength(1)
    expect(snippets[0]).toMatchObject({ run: true, output: 'out', file: 'line-2.ts' })
    const lines = snippets[0]?.source.split('\n') ?? []
    expect([lines[1], lines[5]]).toEqual(['a()', 'b()'])
  })

  it('can be named, and those of other libraries are left out', () => {
    const { snippets } = snippetsOf(fencesOf(page('```ts file=orders.ts', 'x', '```', '```ts foreign', 'y', '```', '```go', 'z', '```')))
    expect(snippets.map(({ file }) => file)).toEqual(['orders.ts'])
  })

  it('with an unknown flag are a mistake', () => {
    expect(snippetsOf(fencesOf(page('```ts runn', 'x', '```'))).mistakes).toEqual([expect.stringContaining('line 1: no such flag: runn')])
  })

  it('may be indented, and a longer fence may hold a shorter one', () => {
    const fences = fencesOf(page('- item', '  ```ts', '  x', '  ```', '````md', '```ts', 'not code', '```', '````'))
    expect(fences.map(({ language, code }) => [language, code])).toEqual([
      ['ts', 'x'],
      ['md', '```ts\nnot code\n```'],
    ])
  })
})

describe('the output that a page shows', () => {
  it('agrees with what was printed when it is the same but for blanks at the ends', () => {
    expect(outputDifference('a\nb', 'a  \nb\n')).toBeUndefined()
  })

  it('differs when a line does, or is missing, or is too much', () => {
    expect(outputDifference('a\nb', 'a\nc\n')).toContain('line 2')
    expect(outputDifference('a\nb', 'a\n')).toBeDefined()
    expect(outputDifference('a', 'a\nb\n')).toBeDefined()
  })

  it('may leave parts of a line or whole lines open', () => {
    expect(outputDifference('run … done\n…\nend', 'run 0199 done\nx\ny\nend\n')).toBeUndefined()
    expect(outputDifference('run … done', 'run 0199 failed\n')).toBeDefined()
  })
})

it('prose has neither fences nor inline code, at unchanged lines', () => {
  expect(proseOf(page('a `[x](y)` b', '```', '[x](y)', '```', 'c')).split('\n')).toEqual(['a          b', '', '', '', 'c'])
})
