/** Topics that turn up while receivers change their slots. */
import { expect, test } from 'vitest'
import { slotOf, type Unit } from '@workflow/core/adapter'
import { claimsOf, layout, slots, topic, unitOf, workflowName } from '../../testing/test/database/make-unit.ts'
import { sqlite } from '../src/index.ts'
import { temporaryFolder } from './database-file.ts'

const other = 'orders/other'

/** A run's first unit, with its event in these topics. */
function created(runId: string, topics: readonly string[]): Unit {
  const { id, changes = [] } = unitOf(runId, 1)
  return { id, changes: changes.map((change) => ({ ...change, event: { ...change.event, topics } })) }
}

/** Names of runs whose events are in slot 0. */
const [zeroth = '', first = '', second = '', third = ''] = Array.from({ length: 200 }, (_, i) => `run-${i}`).filter(
  (runId) => slotOf(runId, slots) === 0,
)

test('a topic that is met first while slots change hands is read from then on', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  // What others have committed is looked for along with commits of its own only.
  await using reader = sqlite({ file, crossProcessPolling: '10m' })
  await using writer = sqlite({ file, crossProcessPolling: '10m' })
  await reader.eventStreamer.ensure({
    ...layout,
    topics: [topic, other],
    receivers: [{ name: 'steps', topics: [topic, other], from: 'earliest' }],
  })
  const claims = claimsOf(1n)
  await using receiver = await reader.eventStreamer.newReceiver({
    durable: true,
    workflowName,
    name: 'steps',
    topics: [topic, other],
    from: 'earliest',
    claims: claims.slice(0, 1),
  })
  const signal = AbortSignal.timeout(10_000)
  await writer.recordStore.commit(created(zeroth, [topic]))
  await reader.recordStore.commit(created(first, [topic]))
  expect((await receiver.receive({ max: 10, signal })).map(({ event }) => event.runId)).toEqual([zeroth, first])
  await writer.recordStore.commit(created(second, [other]))
  // A slot that is behind: what it lacks is read from the table, up to where the reader has got.
  await receiver.assign(claims.slice(0, 2))
  const patience = new AbortController()
  const waiting = receiver.receive({ max: 10, signal: patience.signal })
  await reader.recordStore.lookup('nobody')
  patience.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  await reader.recordStore.commit(created(third, [topic]))
  const seen: string[] = []
  while (!seen.includes(third)) for (const { event } of await receiver.receive({ max: 10, signal })) seen.push(event.runId)
  expect(seen.sort()).toEqual([second, third].sort())
})
