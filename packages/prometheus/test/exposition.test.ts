import { describe, expect, it } from 'vitest'
import { parseExposition, valueOf } from './exposition.ts'

const head = '# HELP a About a.\n# TYPE a gauge\n'

describe('the parser of the text format', () => {
  it('undoes what was escaped', () => {
    expect(valueOf(`${head}a{x="one \\"two\\"\\nthree\\\\"} 4\n`, 'a', { x: 'one "two"\nthree\\' })).toBe(4)
  })

  it('takes numbers of every kind', () => {
    expect(valueOf(`${head}a 1.5e-7\n`, 'a')).toBe(1.5e-7)
    expect(valueOf(`${head}a -Inf\n`, 'a')).toBe(Number.NEGATIVE_INFINITY)
  })

  it.each([
    ['a series that stands there twice', `${head}a{x="1"} 1\na{x="1"} 2\n`],
    ['a series under another metric', `${head}b 1\n`],
    ['a metric that stands there twice', `${head}a 1\n${head}`],
    ['a label that is not closed', `${head}a{x="1} 1\n`],
    ['a line break in a label', `${head}a{x="1\n2"} 1\n`],
    ['a value that is no number', `${head}a Nan\n`],
    ['an end without a line break', `${head}a 1`],
  ])('refuses %s', (_, text) => {
    expect(() => parseExposition(text)).toThrow()
  })
})
