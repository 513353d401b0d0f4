/** What is left of runs that were purged, and of work that is done. */
import { unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { sqlite } from '../src/index.ts'
import { openHandle, temporaryFolder } from './database-file.ts'

const letters = workflow('letters', { object: unchecked<{ text: string }>(), graph: { start: { step: ['end'] }, end: {} } })
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

test('a purge leaves nothing of a run whose hook was tried again by a timer', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  await using database = sqlite({ file })
  let calls = 0
  await using app = letters
    .addStep('start', async () => 'end')
    .onComplete(async () => {
      calls += 1
      if (calls === 1) throw new Error('no')
    })
    .build({ ...database, slots: 1, logger: silent, retryInPlace: '0ms', defaults: { errBackOff: '20ms' } } as never)
  await app.run()
  const runId = await app.trigger('a', { initialValue: { text: 'a' } })
  await app.awaitCompletion(runId, { timeout: '4s' })
  for (let i = 0; i < 200 && calls < 2; i++) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(calls).toBe(2)
  await app.stop()
  expect(await database.recordStore.purge({ workflowName: 'letters', finishedBefore: new Date(Date.now() + 1_000) }, 10)).toBe(1)
  const look = openHandle(file)
  const count = (table: string, column: string): unknown =>
    (look.prepare(`SELECT ${column} AS owner FROM workflow_${table}`).all() as { owner: string }[])
      .map(({ owner }) => owner)
      .filter((owner) => owner.includes(runId))
  const left = { timers: count('timer', 'owner'), units: count('unit', 'owner') }
  look.close()
  expect(left).toEqual({ timers: [], units: [] })
})

test('units that change no record leave no row each for ever', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  await using database = sqlite({ file })
  const key = { kind: 'schedule', owner: 'schedule:often', epoch: 1, name: 'next' } as const
  for (let sent = 0; sent < 102_000; sent += 1_000) {
    const units = Array.from({ length: 1_000 }, (_, i) => ({
      id: `u${sent + i}`,
      timers: [{ move: key, at: new Date(sent + i), attempt: 0 }],
    }))
    await Promise.all(units.map((unit) => database.recordStore.commit(unit)))
  }
  const look = openHandle(file)
  const { n } = look.prepare('SELECT count(*) AS n FROM workflow_unit').get() as { n: number }
  look.close()
  expect(n).toBeLessThanOrEqual(101_000)
})
