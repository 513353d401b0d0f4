/** What judges the test of the whole sees a promise that is broken. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { memory } from '@workflow/core/memory'
import { recoveriesOf, tableOf } from './moves.ts'
import { loggedScheduler, RoleLog, roleFaults, type RoleLine, rolesOf } from './role-log.ts'
import { streamAudit } from './stream-audit.ts'

const line = (what: RoleLine['what'], pid: number, token: number, at: number): RoleLine => ({
  what,
  role: 'parcels/1',
  domain: 'd',
  token: String(token),
  pid,
  at,
})

test('who trusts a role that another process was given meanwhile is found, whatever order the lines come in', () => {
  const takenOver = [line('taken', 1, 1, 10), line('valid', 1, 1, 20), line('taken', 2, 2, 30), line('valid', 2, 2, 35)]
  expect(roleFaults(takenOver)).toEqual([])
  expect(roleFaults([line('valid', 1, 1, 40), ...takenOver])).toEqual([
    'role parcels/1: process 1 trusted token 1 10 ms after process 2 was given 2',
  ])
  expect(roleFaults([...takenOver, line('taken', 3, 2, 50)])).toEqual(['role parcels/1: process 3 was given token 2 after 2'])
})

test('the log of roles says who has what', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'workflow-roles-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'roles')
  const log = new RoleLog(file)
  expect(log.lines()).toEqual([])
  const scheduler = loggedScheduler(memory().roleScheduler, file)
  const lease = await scheduler.awaitRole('parcels/3', { signal: new AbortController().signal, generation: 0 })
  expect(lease.isValid()).toBe(true)
  expect([...rolesOf(log.lines(), process.pid, Date.now())]).toEqual(['parcels/3'])
  await lease.release()
  expect(log.lines().map(({ what }) => what)).toEqual(['taken', 'valid', 'gone'])
  expect([...rolesOf(log.lines(), process.pid, Date.now())]).toEqual([])
  await scheduler.close()
})

test('an event that is lost, in too few topics, or overtaken is found; one that was sent again is none', () => {
  const committed = [1, 2, 3].map((version) => ({ runId: 'r', version, topics: version === 3 ? 2 : 1 }))
  const sent = (topic: string, version: number, kind = 'transition') => ({ topic, runId: 'r', version, kind })
  const all = [sent('a', 1), sent('a', 2), sent('a', 1), sent('a', 2), sent('a', 3), sent('b', 3), sent('a', 3, 'wake')]
  expect(streamAudit(committed, all)).toEqual({ faults: [], committed: 3, again: 2 })
  expect(streamAudit(committed, all.slice(0, -2)).faults).toEqual(['version 3 of run r is in 1 topics of 2'])
  expect(streamAudit(committed, [sent('b', 3), sent('a', 2), sent('a', 1), sent('a', 3)]).faults).toEqual([
    'version 1 of run r came to a for the first time after version 2',
  ])
})

test('a recovery is the time to the next transition of a slot; a standstill is its longest time without one', () => {
  const incidents = [{ what: 'killed', slots: [1, 2], began: 100, over: 110, until: 1_000 }]
  const moves = [
    { slot: 1, at: 90 },
    { slot: 1, at: 105 },
    { slot: 1, at: 400 },
    { slot: 1, at: 450 },
    { slot: 3, at: 120 },
  ]
  const recoveries = recoveriesOf(incidents, moves)
  expect(recoveries).toEqual([
    { what: 'killed', slot: 1, next: 290, stood: 550 },
    { what: 'killed', slot: 2, next: 890, stood: 900 },
  ])
  expect(tableOf(recoveries, incidents)).toContain('| killed | 1 | 2 | 890 / 890 | 900 / 900 |')
})
