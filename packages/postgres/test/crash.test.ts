/** The crash test in its short form, and how long the work of a dead process waits for another one. At length: `pnpm crash:postgres`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duration } from '@workflow/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { crashCycles, drained } from '../../testing/test/crash/crash-cycles.ts'
import type { CrashTarget } from '../../testing/test/crash/crash-target.ts'
import { Crew } from '../../testing/test/crash/crew.ts'
import { readLedger } from '../../testing/test/crash/ledger.ts'
import { Parent } from '../../testing/test/crash/parent.ts'
import { takeovers } from '../../testing/test/crash/recoveries.ts'
import { seededRandom } from '../../testing/test/crash/seeded-random.ts'
import { postgresTarget } from './crash/postgres-target.ts'
import { OwnServer } from './faults/own-server.ts'

const roundsMax = 100

async function place(lease: Duration): Promise<{ readonly target: CrashTarget; readonly folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'workflow-crash-'))
  const opened = await postgresTarget(lease)
  onTestFinished(async () => {
    await opened[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })
  return { target: opened.target, folder }
}

describe.skipIf(!OwnServer.available())('workers that are killed', () => {
  test('and a server and a network that fail lose nothing, double nothing and break no promise', { timeout: 300_000 }, async () => {
    const { target, folder } = await place('1s')
    const result = await crashCycles({ target, folder, cycles: 6, seed: 20_261_121, lifeMsMax: 1_500, runsPerCycle: 60 })
    expect(result.faults).toEqual([])
    expect(result.runs).toBe(360)
    expect(result.handlerCalls).toBeGreaterThan(1_050)
    expect(result.kills).toBeGreaterThan(3)
    expect([...result.strikes.values()].flat().length).toBeGreaterThan(2)
  })

  test('by the default lease are replaced in every slot within five seconds', { timeout: 120_000 }, async () => {
    const { target, folder } = await place('3s')
    const ledger = join(folder, 'ledger.ndjson')
    const parent = new Parent(target, seededRandom(1))
    const crew = new Crew(target, ledger, seededRandom(2))
    try {
      crew.fillUp()
      // Until both are at work, in slots of their own.
      for (let round = 0; round < roundsMax && new Set(readLedger(ledger).map(({ pid }) => pid)).size < 2; round++) {
        await parent.trigger(100)
        await drained(parent)
      }
      await crew.killOne()
      // Work for every slot, while nobody has noticed.
      await parent.trigger(200)
      await drained(parent)
      const [tookMs, ...others] = takeovers(crew.misfortunes, readLedger(ledger))
      expect(others).toEqual([])
      expect(tookMs).toBeGreaterThan(0)
      expect(tookMs).toBeLessThan(5_000)
      expect(crew.faults).toEqual([])
    } finally {
      await crew.killAll()
      await parent.end()
    }
  })
})
