/** A transaction of a step that takes longer than a lease. */
import { unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { sqlite } from '../src/index.ts'
import type { SqliteDatabase } from '../src/index.ts'
import { temporaryFolder } from './database-file.ts'

test('a step whose rows take longer than a lease fails with the reason, and nobody is suspected of a death', {
  timeout: 30_000,
}, async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  await using database = sqlite({ file, lease: '600ms' })
  const letters = workflow('letters', { object: unchecked<{ text: string }>(), graph: { a: { step: ['b'] }, b: {} } })
  let tries = 0
  const logs: string[] = []
  const log = (fields: object, message: string): void => void logs.push(`${message} ${String((fields as { error?: unknown }).error ?? '')}`)
  await using app = letters
    .transactional<SqliteDatabase>()
    .addStep('a', async (run) =>
      run.commit('b', async () => {
        tries += 1
        await new Promise((resolve) => setTimeout(resolve, 900))
      }),
    )
    .build({ ...database, slots: 1, logger: { debug: () => undefined, info: () => undefined, warn: log, error: log } } as never)
  await app.run()
  const runId = await app.trigger('a', { initialValue: { text: 'a' } })
  const ended = await app.awaitCompletion(runId, { timeout: '9s' }).then(
    (run) => run.state,
    (error: unknown) => String(error),
  )
  const now = await app.lookup(runId)
  const history = (await app.history(runId)).items.map(({ to, states }) => `${to} ${states.join()}`)
  // It cannot come through; but it says why, and nobody is taken for dead.
  expect(ended).toContain('AwaitTimeout')
  expect(now?.state).toBe('Initiated')
  expect(history).toEqual(['a Initiated'])
  expect(logs.some((line) => line.includes('lease'))).toBe(true)
})
