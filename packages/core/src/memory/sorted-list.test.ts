import { describe, expect, test } from 'vitest'
import { SortedList } from './sorted-list.ts'

describe('SortedList', () => {
  test('agrees with a sorted array over random additions and removals', () => {
    let seed = 11
    const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below
    const list = new SortedList<number, number>((a, b) => a - b)
    const model = new Set<number>()
    for (let round = 0; round < 20_000; round++) {
      const item = random(6_000)
      if (random(3) > 0 && !model.has(item)) {
        model.add(item)
        list.add(item)
      } else if (model.delete(item)) {
        list.remove(item)
      }
    }
    const sorted = [...model].sort((a, b) => a - b)
    expect([...list.after(undefined)]).toEqual(sorted)
    expect(list.first).toBe(sorted[0])
    for (const from of [-1, 0, sorted[7] ?? 0, 2_999.5, 6_000]) expect([...list.after(from)]).toEqual(sorted.filter((item) => item > from))
  })

  test('leaves everything as it is when an unknown item is removed', () => {
    const list = new SortedList<number, number>((a, b) => a - b)
    list.remove(1)
    list.add(2)
    list.remove(1)
    list.remove(3)
    expect([...list.after(undefined)]).toEqual([2])
    list.remove(2)
    expect(list.first).toBeUndefined()
  })

  test('takes and gives back a hundred thousand in descending order in no time', () => {
    const list = new SortedList<number, number>((a, b) => a - b)
    for (let item = 100_000; item > 0; item--) list.add(item)
    for (let item = 1; item <= 100_000; item++) {
      expect(list.first).toBe(item)
      list.remove(item)
    }
  })
})
