import { expect, test } from 'vitest'
import { Gaps } from './gaps.ts'

test('a gap is dead only when everybody who was there before its witness has ended', () => {
  const gaps = new Gaps()
  gaps.open(7, 0)
  expect([gaps.has(7), gaps.numbers]).toEqual([true, [7]])
  // Without a witness nothing can be said, however far the others have come.
  expect(gaps.isDead(7, 1_000_000)).toBe(false)
  gaps.bearWitness(100)
  expect([gaps.isDead(7, 99), gaps.isDead(7, 100), gaps.isDead(7, 101)]).toEqual([false, false, true])
})

test('the first witness stays: a later one would only make others wait longer', () => {
  const gaps = new Gaps()
  gaps.open(7, 0)
  gaps.bearWitness(100)
  gaps.open(7, 50)
  gaps.bearWitness(200)
  expect(gaps.isDead(7, 101)).toBe(true)
})

test('only a gap that has lasted asks for a witness: most are filled in a moment', () => {
  const gaps = new Gaps()
  expect(gaps.needWitness(1_000)).toBe(false)
  gaps.open(9, 1_000)
  expect([gaps.needWitness(1_050), gaps.needWitness(1_100)]).toEqual([false, true])
  gaps.bearWitness(5)
  expect(gaps.needWitness(9_000)).toBe(false)
  gaps.close(9)
  expect([gaps.size, gaps.isDead(9, 6)]).toEqual([0, false])
})
