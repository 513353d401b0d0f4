import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nearest, quoted, suggestion } from './nearest.ts'

test.each([
  ['craeted', 'created', 'two neighbours swapped'],
  ['create', 'created', 'a letter forgotten'],
  ['creatted', 'created', 'a letter doubled'],
  ['vreated', 'created', 'the key beside'],
  ['Created', 'created', 'another case'],
  ['parralelcont', 'parallelCount', 'three slips in a long word'],
])("'%s' is taken for '%s': %s", (word, meant) => {
  expect(nearest(word, ['paid', 'created', 'parallelCount', 'done'])).toBe(meant)
})

test('what resembles nothing is taken for nothing', () => {
  expect(nearest('shipped', ['created', 'paid'])).toBeUndefined()
  expect(nearest('', ['created'])).toBeUndefined()
})

test('the closest one wins, and the first of equally close ones', () => {
  expect(nearest('paide', ['pained', 'paid'])).toBe('paid')
  expect(nearest('pa', ['pat', 'pad'])).toBe('pat')
})

test('a candidate is its own nearest', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{3,12}$/), { minLength: 1 }), (words) => {
      for (const word of words) expect(nearest(word, words)).toBe(word)
    }),
  )
})

test('a suggestion names what was meant, else what there is', () => {
  expect(suggestion('payd', ['paid', 'done'])).toBe("Did you mean 'paid'?")
  expect(suggestion('nothing', ['paid', 'done'])).toBe("There are: 'paid', 'done'.")
  expect(suggestion('nothing', ['paid'])).toBe("There is: 'paid'.")
  expect(suggestion('nothing', [])).toBe('There are none.')
})

test('a long list is cut after ten', () => {
  expect(quoted(Array.from({ length: 12 }, (_, index) => `s${index}`))).toMatch(/'s9' and 2 more$/)
})
