import { expect, test } from 'vitest'
import { crashCycles } from '../../testing/test/crash/crash-cycles.ts'
import { sqliteTarget } from './crash/sqlite-target.ts'
import { temporaryFolder } from './database-file.ts'

test('workers that are killed again and again lose nothing, double nothing and break no promise', { timeout: 60_000 }, async () => {
  using temporary = temporaryFolder()
  const result = await crashCycles({
    target: sqliteTarget(temporary.file('crash.db'), '600ms'),
    folder: temporary.folder,
    cycles: 5,
    seed: 20_261_121,
    lifeMsMax: 2_000,
    runsPerCycle: 60,
  })
  expect(result.faults).toEqual([])
  expect(result.runs).toBe(300)
  expect(result.handlerCalls).toBeGreaterThan(900)
})
