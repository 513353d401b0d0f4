/** The crash test in its short form. At length: `pnpm --filter @workflow-example/sql crash`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { hasServer, testDatabase } from '../test/test-database.ts'
import { crashCycles } from './crash-cycles.ts'
import { ways } from './ways.ts'

describe.skipIf(!hasServer)('workers that are killed while they move money', () => {
  test.each(ways)('with %s lose no cent and write no row twice', { timeout: 180_000 }, async (way) => {
    const folder = mkdtempSync(join(tmpdir(), 'sql-crash-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const url = await testDatabase()
    const result = await crashCycles({ url, way, seed: 3, cycles: 3, transfersPerCycle: 100, lifeMsMax: 500, folder })
    expect(result.faults).toEqual([])
    expect(result).toMatchObject({ transfers: 300, kills: 5, cents: 10_000_000 })
    // The kills have hit something: handlers ran again, of every kind of transfer.
    expect(result.repeatedCalls).toBeGreaterThan(10)
    expect([...result.ends.keys()].toSorted()).toEqual(['arrived', 'declined', 'returned'])
  })
})
