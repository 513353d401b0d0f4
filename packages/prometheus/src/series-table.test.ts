import { describe, expect, it } from 'vitest'
import { type Labels, SeriesTable } from './series-table.ts'

const table = (names: readonly string[]): SeriesTable<{ labels: Labels; live: boolean; value: number }> =>
  new SeriesTable(names, (labels) => ({ labels, live: true, value: 0 }))

describe('the series of a metric', () => {
  it('are the same for equal labels, whichever object holds them', () => {
    const series = table(['a', 'b'])
    const found = series.of(Object.freeze({ a: 'x', b: 'y' }))
    expect(series.of(Object.freeze({ b: 'y', a: 'x' }))).toBe(found)
    expect(series.of({ a: 'x', b: 'y' })).toBe(found)
    expect([...series.values()]).toEqual([found])
  })

  it('are told apart where labels joined as text would be the same', () => {
    const series = table(['a', 'b'])
    const pairs = [
      { a: 'x,y', b: 'z' },
      { a: 'x', b: 'y,z' },
      { a: 'x', b: 'y,b:z' },
      { a: 'x,b:y', b: 'z' },
      { a: 'x","y', b: '' },
      { a: 'x', b: '","y' },
      { a: '', b: 'x' },
      { a: 'x', b: '' },
    ]
    expect(new Set(pairs.map((labels) => series.of(Object.freeze(labels)))).size).toBe(pairs.length)
  })

  it('have the labels of their metric and no others', () => {
    const series = table(['a'])
    expect(series.of(Object.freeze({ a: 'x', run: '1' }))).toBe(series.of(Object.freeze({ a: 'x', run: '2' })))
    expect(series.of({ n: 1 }).labels).toEqual({ a: '' })
    expect(series.of({ a: 7 }).labels).toEqual({ a: '7' })
  })

  it('follow an object that changes, unless it is frozen', () => {
    const series = table(['a'])
    const labels = { a: 'x' }
    const before = series.of(labels)
    labels.a = 'y'
    expect(series.of(labels)).not.toBe(before)
    expect(series.of(labels).labels).toEqual({ a: 'y' })
  })

  it('begin anew after they were removed, for whoever kept the labels too', () => {
    const series = table(['a'])
    const [x, y] = [Object.freeze({ a: 'x' }), Object.freeze({ a: 'y' })]
    series.of(y).value = 1
    series.of(x).value = 5
    series.remove(({ a }) => a === 'x')
    expect([...series.values()].map(({ labels }) => labels)).toEqual([{ a: 'y' }])
    series.of(x).value += 1
    expect(Array.from(series.values(), ({ value }) => value)).toEqual([1, 1])
    series.of(y).value += 1
    series.of(x).value += 1
    expect(Array.from(series.values(), ({ value }) => value)).toEqual([2, 2])
  })

  it('may be called like what every object has', () => {
    const series = table(['a'])
    expect(series.of(Object.freeze({ a: '__proto__' })).labels['a']).toBe('__proto__')
    expect(series.of(Object.freeze({ a: 'constructor' }))).not.toBe(series.of(Object.freeze({ a: '__proto__' })))
  })
})
