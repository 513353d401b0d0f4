import { describe, expect, test } from 'vitest'
import { objectDiff, objectLines } from '../../app/data/object-diff.ts'

const marks = { same: ' ', removed: '-', added: '+' } as const
const shown = (lines: ReturnType<typeof objectDiff>): readonly string[] =>
  lines.map(({ kind, depth, text }) => `${marks[kind]}${' '.repeat(depth)}${text}`)

describe('objectDiff', () => {
  test('shows what is added, removed and changed, each in its place', () => {
    const before = { name: 'Ann', tags: ['a', 'b'], gone: { deep: 1 } }
    const after = { name: 'Bob', tags: ['x', 'a', 'b'], come: true }
    expect(shown(objectDiff(before, after))).toEqual([
      ' {',
      '- "name": "Ann",',
      '+ "name": "Bob",',
      '  "tags": [',
      '+  "x",',
      '   "a",',
      '   "b"',
      '  ],',
      '+ "come": true,',
      '- "gone": {',
      '-  "deep": 1',
      '- }',
      ' }',
    ])
  })

  test('finds nothing where only the order of keys differs', () => {
    expect(objectDiff({ a: 1, b: [{}] }, { b: [{}], a: 1 }).every(({ kind }) => kind === 'same')).toBe(true)
  })

  test('changes of kind are one removed and one added', () => {
    expect(shown(objectDiff([1], { a: 1 }))).toEqual(['-[', '- 1', '-]', '+{', '+ "a": 1', '+}'])
    expect(shown(objectDiff(null, 'x'))).toEqual(['-null', '+"x"'])
  })

  test('keys that every object has by birth are keys like others', () => {
    expect(shown(objectDiff({}, { constructor: 1 }))).toEqual([' {', '+ "constructor": 1', ' }'])
  })

  test('removed items of a list are shown where they stood', () => {
    expect(shown(objectDiff([1, 2, 3], [1, 3]))).toEqual([' [', '  1,', '- 2,', '  3', ' ]'])
  })

  test('says so where it stops', () => {
    const lines = objectLines(Array.from({ length: 9_000 }, (_, i) => i))
    expect(lines.length).toBeLessThan(5_010)
    expect(lines.at(-1)?.text).toBe('… more lines than are shown')
  })
})
