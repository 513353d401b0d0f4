/** Roles in a file that cannot be written for a moment. */
import type { RoleLease } from '@workflow/core/adapter'
import { VirtualClock } from '@workflow/testing'
import { expect, test } from 'vitest'
import { sqlite } from '../src/index.ts'
import { openHandle, temporaryFolder } from './database-file.ts'

/** The lease, if it is given within so much virtual time: how busy the machine is does not matter. */
async function within(clock: VirtualClock, lease: Promise<RoleLease>, ms: number): Promise<RoleLease | undefined> {
  let given: RoleLease | undefined
  lease.then(
    (one) => {
      given = one
    },
    () => undefined,
  )
  for (let passed = 0; passed < ms && given === undefined; passed += 50) await clock.advance(50)
  return given
}

test('a role that was asked for while the file was locked is given once it no longer is', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  const clock = new VirtualClock()
  await using database = sqlite({ file, busyTimeout: '50ms', lease: '600ms', clock })
  await database.roleScheduler.holders(['r'])
  const other = openHandle(file)
  other.exec('BEGIN IMMEDIATE')
  const stop = new AbortController()
  const lease = database.roleScheduler.awaitRole('r', { signal: stop.signal, generation: 0 })
  lease.catch(() => undefined)
  await clock.advance(150)
  other.exec('ROLLBACK')
  other.close()
  // Ten renewals.
  const given = await within(clock, lease, 2_000)
  expect(given?.isValid()).toBe(true)
  stop.abort(new Error('over'))
})

test('a role whose release met a lock goes to whoever waits for it once the file is free', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  const clock = new VirtualClock()
  await using a = sqlite({ file, busyTimeout: '50ms', lease: '1200ms', clock })
  await using b = sqlite({ file, lease: '1200ms', clock })
  const stop = new AbortController()
  const lease = await a.roleScheduler.awaitRole('r', { signal: stop.signal, generation: 0 })
  // Something else that keeps the instance alive.
  const other = await a.roleScheduler.awaitRole('s', { signal: stop.signal, generation: 0 })
  const lock = openHandle(file)
  lock.exec('BEGIN IMMEDIATE')
  const released = lease.release()
  await clock.advance(100)
  await released
  lock.exec('ROLLBACK')
  lock.close()
  const given = await within(clock, b.roleScheduler.awaitRole('r', { signal: stop.signal, generation: 0 }), 4_000)
  expect(other.isValid()).toBe(true)
  expect(given?.isValid()).toBe(true)
})

test('the lease of a dead instance whose clock was wrong does not keep its roles for ever', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  const clock = new VirtualClock()
  {
    await using a = sqlite({ file, lease: '600ms', clock })
    await a.roleScheduler.awaitRole('r', { signal: new AbortController().signal, generation: 0 })
    const edit = openHandle(file)
    // As if the process had died while its clock was a day ahead.
    edit.exec("UPDATE workflow_instance SET id = 'ghost', expires_at = 99999999999999")
    edit.exec("UPDATE workflow_role SET instance = 'ghost'")
    edit.close()
  }
  await using b = sqlite({ file, lease: '600ms', clock })
  const stop = new AbortController()
  const given = await within(clock, b.roleScheduler.awaitRole('r', { signal: stop.signal, generation: 0 }), 3_000)
  expect(given?.isValid()).toBe(true)
  stop.abort(new Error('over'))
})
