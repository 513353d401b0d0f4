import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readRoles, writeRoles } from './role-text.ts'

const readAll = (texts: readonly string[]): ReadonlyMap<string, number> => new Map(texts.flatMap((text) => [...readRoles(text)]))

const linesOf = (roles: ReadonlyMap<string, number>): readonly string[] => [...roles].map((one) => JSON.stringify(one)).toSorted()

test('what is written is what is read', { timeout: 30_000 }, () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc
      .tuple(fc.constantFrom('a/', 'a/b/', '/', '__proto__/', 'é/'), fc.integer({ min: 0, max: 30 }))
      .map(([before, slot]) => `${before}${slot}`),
    fc.constantFrom('a/00', 'a/1000000000', 'a/-1', 'a/1.5', 'a/1e3', 'a/', '__proto__', 'a/1\n'),
  )
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, fc.integer({ min: 0, max: 3 })), { selector: ([role]) => role }), (all) => {
      const roles = new Map(all)
      expect(linesOf(readAll(writeRoles(roles)))).toEqual(linesOf(roles))
    }),
  )
})

test('ten thousand roles of one workflow are a few bytes', () => {
  const texts = writeRoles(new Map(Array.from({ length: 10_000 }, (_, slot) => [`orders/${slot}`, 7])))
  expect(texts).toEqual(['[[7,{"numbered":{"orders/":"0-9999"}}]]'])
})

test('names that are too long for one text go into several', () => {
  const roles = new Map(Array.from({ length: 500 }, (_, index) => [`${'x'.repeat(1_000)}${index}`, 0]))
  const texts = writeRoles(roles)
  expect(texts.length).toBeGreaterThan(4)
  for (const text of texts) expect(text.length).toBeLessThan(110_000)
  expect(readAll(texts).size).toBe(500)
})

test.each([
  '',
  'no JSON',
  'null',
  '{}',
  '7',
  '[7]',
  '[[0]]',
  '[[0,null]]',
  '[["0",{}]]',
  '[[0,{"named":7}]]',
  '[[0,{"named":[7]}]]',
  '[[0,{"numbered":7}]]',
  '[[0,{"numbered":{"a/":7}}]]',
  '[[0,{"numbered":{"a/":"1-"}}]]',
  '[[0,{"numbered":{"a/":"0-999999999"}}]]',
  '[[0,{"numbered":{"a/":"0-9999","b/":"0-9999","c/":"0-9999"}}]]',
])('%s stands for no role', (text) => {
  expect(readRoles(text).size).toBe(0)
})
