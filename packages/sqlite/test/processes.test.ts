/** Several processes on one file, and processes that are killed. */
import { describe, expect, test } from 'vitest'
import { migrateSqlite, sqlite } from '../src/index.ts'
import { openHandle, temporaryFolder } from './database-file.ts'
import { claimsOf, layout, topic, workflowName } from '../../testing/test/database/make-unit.ts'
import { startChild, type WriterChild } from '../../testing/test/database/writer-child.ts'

const startWriter = (...args: readonly string[]): WriterChild => startChild(new URL('writer-process.ts', import.meta.url), ...args)

describe('several processes on one file', () => {
  test('write at once, and a third one hears of every event, each run in order', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    await using db = sqlite({ file })
    await db.eventStreamer.ensure(layout)
    await using receiver = await db.eventStreamer.newReceiver({
      durable: true,
      workflowName,
      name: 'steps',
      topics: [topic],
      from: 'earliest',
      claims: claimsOf(1n),
    })
    const writers = ['a', 'b'].map((name) => startWriter(file, name, '20', '50'))
    const versions = new Map<string, number>()
    const { signal } = new AbortController()
    for (let count = 0; count < 2_000; ) {
      const deliveries = await receiver.receive({ max: 500, signal })
      for (const { event, ack } of deliveries) {
        expect(event.version).toBe((versions.get(event.runId) ?? 0) + 1)
        versions.set(event.runId, event.version)
        void ack()
      }
      count += deliveries.length
    }
    expect(versions.size).toBe(40)
    expect(await Promise.all(writers.map((writer) => writer.ended()))).toEqual([0, 0])
  })

  test('can all start at the same moment on a file that does not exist', { timeout: 30_000 }, async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    const writers = ['a', 'b', 'c'].map((name) => startWriter(file, name, '5', '5'))
    expect(await Promise.all(writers.map((writer) => writer.ended()))).toEqual([0, 0, 0])
    await migrateSqlite({ file })
    await using db = sqlite({ file, migrate: 'manual' })
    expect(await db.recordStore.count({ workflowName }, 'status')).toEqual(new Map([['created', 15]]))
  })
})

test('a writer that is killed again and again loses nothing that it was told is committed, and leaves a whole file', {
  timeout: 60_000,
}, async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  const told = new Map<string, number>()
  for (let life = 0; life < 5; life++) {
    const writer = startWriter(file, 'run', '30')
    await writer.said(500)
    await writer.kill()
    for (const line of writer.lines) {
      const [runId = '', version] = line.split(' ')
      if (version !== undefined) told.set(runId, Number(version))
    }
    const handle = openHandle(file)
    expect(handle.pragma('integrity_check', { simple: true })).toBe('ok')
    handle.close()
  }
  expect(told.size).toBe(30)
  await using db = sqlite({ file })
  for (const [runId, version] of told) {
    const record = await db.recordStore.lookup(runId)
    expect(record?.version).toBeGreaterThanOrEqual(version)
    const handle = openHandle(file)
    const stored = handle.prepare('SELECT version FROM workflow_event WHERE run = ? ORDER BY id').pluck().all(Number(record?.seq))
    handle.close()
    expect(stored).toEqual(Array.from({ length: record?.version ?? 0 }, (_, i) => i + 1))
  }
})

test('the roles of a process that was killed are free when its lease has run out', { timeout: 30_000 }, async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  const handle = openHandle(file)
  const killed = sqlite({ database: handle, lease: '1s' })
  const { signal } = new AbortController()
  const first = await killed.roleScheduler.awaitRole('orders/0', { signal, generation: 0 })
  handle.close()
  await using db = sqlite({ file, lease: '1s' })
  const start = performance.now()
  const second = await db.roleScheduler.awaitRole('orders/0', { signal, generation: 0 })
  // One second, and what a busy machine takes.
  expect(performance.now() - start).toBeLessThan(5_000)
  expect([second.unclean, second.fence.token > first.fence.token, first.isValid()]).toEqual([true, true, false])
})
