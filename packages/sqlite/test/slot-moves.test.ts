/** Slots that leave a receiver while somebody else writes to the file. */
import { virtualTime } from '@workflow/testing/conformance'
import { expect, test } from 'vitest'
import { sqlite } from '../src/index.ts'
import { openHandle, temporaryFolder } from './database-file.ts'
import { claimsOf, layout, topic, unitOf, workflowName } from '../../testing/test/database/make-unit.ts'

test('an event that is committed while a slot waits to be given up goes to the next holder', { timeout: 30_000 }, async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  const { clock, pass } = virtualTime()
  await using leaving = sqlite({ file, clock, crossProcessPolling: '1ms', busyTimeout: '1m' })
  await using coming = sqlite({ file })
  await leaving.eventStreamer.ensure(layout)
  const spec = { durable: true, workflowName, name: 'steps', topics: [topic], from: 'earliest' } as const
  await using before = await leaving.eventStreamer.newReceiver({ ...spec, claims: claimsOf(1n) })
  // The first use migrates, which cannot happen while the file is locked.
  await coming.recordStore.lookup('nobody')

  const tx = openHandle(file)
  tx.exec('BEGIN IMMEDIATE')
  const left = before.assign([])
  // By now the write is tried only once in ten milliseconds, and other processes' commits are seen within five.
  await pass(1_000)
  const committed = await coming.recordStore.commit(unitOf('late', 1), { tx })
  tx.exec('COMMIT')
  tx.close()
  await pass(100)
  await left

  await using after = await coming.eventStreamer.newReceiver({ ...spec, claims: claimsOf(2n) })
  const deliveries = await after.receive({ max: 10, signal: AbortSignal.timeout(5_000) })
  expect(committed.ok).toBe(true)
  expect(deliveries.map(({ event }) => event.runId)).toEqual(['late'])
})
