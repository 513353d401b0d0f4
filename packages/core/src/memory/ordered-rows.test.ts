import { describe, expect, test } from 'vitest'
import { OrderedRows, pageOfRows, type OrderedRow } from './ordered-rows.ts'

const filled = (count: number): { rows: OrderedRows<OrderedRow>; all: OrderedRow[] } => {
  const rows = new OrderedRows<OrderedRow>()
  const all = Array.from({ length: count }, (_, index): OrderedRow => ({ order: index + 1, gone: false }))
  for (const row of all) rows.add(row)
  return { rows, all }
}
const orders = (rows: readonly OrderedRow[]): number[] => rows.map((row) => row.order)

describe('pages of rows', () => {
  test('go on after the last row, in both directions', () => {
    const { rows } = filled(5)
    const first = pageOfRows(rows.rows, undefined, 2, false, () => true)
    expect([orders(first.items), first.next]).toEqual([[1, 2], 2])
    expect(orders(pageOfRows(rows.rows, 4, 2, false, () => true).items)).toEqual([5])
    const newest = pageOfRows(rows.rows, undefined, 3, true, () => true)
    expect([orders(newest.items), newest.next]).toEqual([[5, 4, 3], 3])
    expect(pageOfRows(rows.rows, 3, 3, true, () => true)).toEqual({ items: rows.rows.slice(0, 2).toReversed(), next: undefined })
  })

  test('are the same after rows have gone and have been swept away', () => {
    const { rows, all } = filled(10)
    for (const row of all.slice(0, 7)) {
      row.gone = true
      rows.noteGone()
    }
    expect(rows.rows.length).toBeLessThan(10)
    expect(orders(pageOfRows(rows.rows, 3, 10, false, () => true).items)).toEqual([8, 9, 10])
  })

  test('are short instead of slow when hardly anything matches', () => {
    const { rows } = filled(30_000)
    const first = pageOfRows(rows.rows, undefined, 10, false, (row) => row.order === 29_999)
    expect(first).toEqual({ items: [], next: 20_000 })
    expect(orders(pageOfRows(rows.rows, first.next, 10, false, (row) => row.order === 29_999).items)).toEqual([29_999])
  })

  test('keep their order when a row comes late', () => {
    const rows = new OrderedRows<OrderedRow>()
    for (const order of [1, 3, 2, 5, 4]) rows.add({ order, gone: false })
    expect(orders(rows.rows)).toEqual([1, 2, 3, 4, 5])
  })
})
