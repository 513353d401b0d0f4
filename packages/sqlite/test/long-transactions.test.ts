/** A transaction of a step that takes longer than a lease. */
import { unchecked, workflow } from '@workflow/core'
import { VirtualClock } from '@workflow/testing'
import { expect, test } from 'vitest'
import { sqlite } from '../src/index.ts'
import type { SqliteDatabase } from '../src/index.ts'
import { temporaryFolder } from './database-file.ts'

test('a step whose rows take longer than a lease fails with the reason, and nobody is suspected of a death', {
  timeout: 30_000,
}, async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  const clock = new VirtualClock()
  await using database = sqlite({ file, lease: '600ms', clock })
  const letters = workflow('letters', { object: unchecked<{ text: string }>(), graph: { a: { step: ['b'] }, b: {} } })
  let tries = 0
  const logs: string[] = []
  const log = (fields: object, message: string): void => void logs.push(`${message} ${String((fields as { error?: unknown }).error ?? '')}`)
  await using app = letters
    .transactional<SqliteDatabase>()
    .addStep('a', async (run) =>
      run.commit('b', async () => {
        tries += 1
        await new Promise<void>((resolve) => void clock.setTimer(900, resolve))
      }),
    )
    .build({ ...database, clock, slots: 1, logger: { debug: () => undefined, info: () => undefined, warn: log, error: log } } as never)
  await app.run()
  const runId = await app.trigger('a', { initialValue: { text: 'a' } })
  let ended: string | undefined
  app.awaitCompletion(runId, { timeout: '9s' }).then(
    (run) => (ended = run.state),
    (error: unknown) => (ended = String(error)),
  )
  for (let passed = 0; passed < 30_000 && ended === undefined; passed += 50) await clock.advance(50)
  const now = await app.lookup(runId)
  const history = (await app.history(runId)).items.map(({ to, states }) => `${to} ${states.join()}`)
  // It cannot come through; but it says why, and nobody is taken for dead.
  expect(ended).toContain('AwaitTimeout')
  expect(now?.state).toBe('Initiated')
  expect(history).toEqual(['a Initiated'])
  expect(tries).toBeGreaterThan(1)
  expect(logs.some((line) => line.includes('lease'))).toBe(true)
  const stopping = app.stop()
  await clock.advance(40_000)
  await stopping
})
