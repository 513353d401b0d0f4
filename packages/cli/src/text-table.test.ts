import { expect, test } from 'vitest'
import { counted, printable, textTable } from './text-table.ts'

test('columns are as wide as their widest cell, numbers stand on the right, and nothing trails', () => {
  const rows = [
    ['packed', '3', 'a'],
    ['to be collected', '≥ 1,200', ''],
  ]
  expect(textTable(['STATUS', 'RUNS', 'X'], rows)).toEqual([
    'STATUS              RUNS  X',
    'packed                 3  a',
    'to be collected  ≥ 1,200',
  ])
})

test('a table may have no rows', () => {
  expect(textTable(['A', 'B'], [])).toEqual(['A  B'])
})

test('what would move a cursor or turn text around is shown as a sign', () => {
  expect(printable('a\u001b[2Jb\n\u202ec é 漢')).toBe('a\uFFFD[2Jb\uFFFD\uFFFDc é 漢')
})

test('large counts are readable', () => {
  expect(counted(1_234_567)).toBe('1,234,567')
})
