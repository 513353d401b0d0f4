/** Roles in a file that cannot be written for a moment. */
import { expect, test } from 'vitest'
import { sqlite } from '../src/index.ts'
import { openHandle, temporaryFolder } from './database-file.ts'

async function within<T>(work: Promise<T>, ms: number): Promise<T | 'too late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'too late'>((resolve) => {
    timer = setTimeout(() => resolve('too late'), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

test('a role that was asked for while the file was locked is given once it no longer is', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  await using database = sqlite({ file, busyTimeout: '50ms', lease: '600ms' })
  await database.roleScheduler.holders(['r'])
  const other = openHandle(file)
  other.exec('BEGIN IMMEDIATE')
  const stop = new AbortController()
  const lease = database.roleScheduler.awaitRole('r', { signal: stop.signal, generation: 0 })
  lease.catch(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, 150))
  other.exec('ROLLBACK')
  other.close()
  // Ten renewals.
  const given = await within(lease, 2_000)
  stop.abort(new Error('over'))
  expect(given).not.toBe('too late')
})

test('a role whose release met a lock goes to whoever waits for it once the file is free', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  await using a = sqlite({ file, busyTimeout: '50ms', lease: '1200ms' })
  await using b = sqlite({ file, lease: '1200ms' })
  const stop = new AbortController()
  const lease = await a.roleScheduler.awaitRole('r', { signal: stop.signal, generation: 0 })
  // Something else that keeps the instance alive.
  const other = await a.roleScheduler.awaitRole('s', { signal: stop.signal, generation: 0 })
  const lock = openHandle(file)
  lock.exec('BEGIN IMMEDIATE')
  await lease.release()
  lock.exec('ROLLBACK')
  lock.close()
  const given = await within(b.roleScheduler.awaitRole('r', { signal: stop.signal, generation: 0 }), 4_000)
  stop.abort(new Error('over'))
  expect(other.isValid()).toBe(true)
  expect(given).not.toBe('too late')
})

test('the lease of a dead instance whose clock was wrong does not keep its roles for ever', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  {
    await using a = sqlite({ file, lease: '600ms' })
    await a.roleScheduler.awaitRole('r', { signal: new AbortController().signal, generation: 0 })
    const edit = openHandle(file)
    // As if the process had died while its clock was a day ahead.
    edit.exec("UPDATE workflow_instance SET id = 'ghost', expires_at = 99999999999999")
    edit.exec("UPDATE workflow_role SET instance = 'ghost'")
    edit.close()
  }
  await using b = sqlite({ file, lease: '600ms' })
  const stop = new AbortController()
  const given = await within(b.roleScheduler.awaitRole('r', { signal: stop.signal, generation: 0 }), 3_000)
  stop.abort(new Error('over'))
  expect(given).not.toBe('too late')
})
