import { expect, test } from 'vitest'
import { listWindow } from '../../app/data/list-window.ts'

test('draws what is seen and a little more, of a hundred thousand rows', () => {
  const { from, to, offset, height } = listWindow(1_000_000, 800, 40, 100_000)
  expect({ from, to, offset, height }).toEqual({ from: 24_992, to: 25_028, offset: 999_680, height: 4_000_000 })
})

test('stays within the list at both ends, and when it has shrunk', () => {
  expect(listWindow(-50, 400, 40, 5)).toEqual({ from: 0, to: 5, offset: 0, height: 200 })
  expect(listWindow(9_000, 400, 40, 5)).toEqual({ from: 5, to: 5, offset: 200, height: 200 })
  expect(listWindow(0, 400, 40, 0)).toEqual({ from: 0, to: 0, offset: 0, height: 0 })
})
