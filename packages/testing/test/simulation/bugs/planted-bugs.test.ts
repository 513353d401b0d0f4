import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { plantedBugs } from './planted-bugs.ts'
import { lookFor, withBug } from './planting.ts'

test('every planted bug still fits the sources that it is planted into', () => {
  for (const bug of plantedBugs) {
    const source = readFileSync(new URL(`../../../../core/src/${bug.file}`, import.meta.url), 'utf8')
    expect(withBug(source, bug), bug.name).not.toBe(source)
  }
  expect(new Set(plantedBugs.map(({ name }) => name)).size).toBe(plantedBugs.length)
  expect(plantedBugs.length).toBeGreaterThanOrEqual(20)
})

test('a bug whose place has changed says so', () => {
  const [bug] = plantedBugs
  if (bug === undefined) throw new Error('no bugs')
  expect(() => withBug('nothing of it', bug)).toThrow('has its place 0 times')
})

/** The others take longer: `pnpm simulate:bugs`. */
const sample = [
  'acknowledges before it works',
  'attempts are counted in memory only',
  'looks for an unfinished run, then inserts',
  'a join does not wait for its children',
]

test.each(sample)('found: %s', { timeout: 60_000 }, async (name) => {
  const bug = plantedBugs.find((each) => each.name === name)
  if (bug === undefined) throw new Error(`no bug '${name}'`)
  const { seeds, invariant } = await lookFor(bug)
  expect(seeds).toBeLessThanOrEqual(bug.within)
  expect(bug.breaks).toContain(invariant)
})
