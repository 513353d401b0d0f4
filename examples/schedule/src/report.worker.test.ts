import { testKit } from '@workflow/testing'
import { expect, test } from 'vitest'
import { reportDefinition } from './report.worker.ts'

test('a report is sent on every working day at half past two in Berlin, also when clocks change', async () => {
  // A Friday; on the Sunday after it clocks go forward, and half past two never comes.
  await using kit = testKit(reportDefinition, {}, { start: new Date('2026-03-27T00:00:00Z') })
  await kit.workflow.schedule('nightly', '30 2 * * mon-fri', {
    initialValue: (at) => ({ at: at.toISOString() }),
    timezone: 'Europe/Berlin',
  })
  await kit.advance('5d')
  const { items } = await kit.workflow.list({ foreignId: 'nightly', state: 'Completed', order: 'oldest' })
  expect(items.map(({ object }) => object)).toEqual([
    { at: '2026-03-27T01:30:00.000Z', rows: 42 },
    { at: '2026-03-30T00:30:00.000Z', rows: 42 },
    { at: '2026-03-31T00:30:00.000Z', rows: 42 },
  ])
})
