/** Records in a file, events on NATS: workers are killed, and the server is killed, paused and restarted under them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startNats } from '../../../scripts/services/nats-server.ts'
import { crashCycles } from '../../testing/test/crash/crash-cycles.ts'
import { natsTarget } from './crash/nats-target.ts'
import { canStart } from './server.ts'

describe.skipIf(!canStart)('workers that are killed, and a server that fails', () => {
  test('lose nothing, double nothing and break no promise', { timeout: 300_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'workflow-crash-'))
    const server = await startNats()
    onTestFinished(() => {
      server.remove()
      rmSync(folder, { recursive: true, force: true })
    })
    const target = natsTarget(join(folder, 'records.db'), server, '1s')
    const result = await crashCycles({ target, folder, cycles: 6, seed: 20_261_121, lifeMsMax: 1_500, runsPerCycle: 40 })
    expect(result.faults).toEqual([])
    expect(result.runs).toBe(240)
    expect(result.kills + [...result.strikes.values()].flat().length).toBeGreaterThan(4)
  })
})
