import { expect, test } from 'vitest'
import { temporaryFolder } from './database-file.ts'
import { crashCycles } from './crash/crash-cycles.ts'

test('workers that are killed again and again lose nothing, double nothing and break no promise', { timeout: 60_000 }, async () => {
  using temporary = temporaryFolder()
  const result = await crashCycles({
    folder: temporary.folder,
    cycles: 5,
    seed: 20_261_121,
    lease: '600ms',
    lifeMsMax: 2_000,
    runsPerCycle: 60,
  })
  expect(result.faults).toEqual([])
  expect(result.runs).toBe(300)
  expect(result.handlerCalls).toBeGreaterThan(900)
})
