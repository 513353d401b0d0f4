import { describe, expect, test } from 'vitest'
import { mutantSuites } from './mutants/mutant-suites.ts'

describe.each(mutantSuites)('caught by exactly the cases that are named: $title', ({ mutants, casesOf }) => {
  test.each(mutants)('$name', async (mutant) => {
    const failing: string[] = []
    for (const { name, run } of casesOf(mutant)) await run().catch(() => failing.push(name))
    expect(failing.sort()).toEqual([...mutant.caughtBy].sort())
  })
})
