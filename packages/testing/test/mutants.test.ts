import { describe, expect, test } from 'vitest'
import type { ConformanceCase } from '../src/conformance/index.ts'
import { mutantSuites } from './mutants/mutant-suites.ts'

async function failureOf({ run }: ConformanceCase): Promise<unknown> {
  try {
    await run()
    return undefined
  } catch (error) {
    return error
  }
}

describe.each(mutantSuites)('broken on purpose: $title', ({ cases, mutants, casesOf }) => {
  test.each(mutants)('$name', async (mutant) => {
    const suite = new Map(casesOf(mutant).map((each) => [each.name, each]))
    for (const name of mutant.caughtBy) {
      const found = suite.get(name)
      expect(found, `there is a case "${name}"`).toBeDefined()
      if (found !== undefined) expect(await failureOf(found), `"${name}" fails`).toBeDefined()
    }
  })

  test('every case has a mutant that it catches', () => {
    const caught = new Set(mutants.flatMap(({ caughtBy }) => caughtBy))
    expect(cases.map(({ name }) => name).filter((name) => !caught.has(name))).toEqual([])
  })
})
