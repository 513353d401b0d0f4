import { expect, test } from 'vitest'
import { sqlite } from '../src/index.ts'
import { openHandle, temporaryFolder } from './database-file.ts'
import { unitOf } from '../../testing/test/database/make-unit.ts'

test('a role is asked for and renewed before the writes that wait already', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  await using database = sqlite({ file })
  await database.recordStore.commit(unitOf('first', 1))
  await database.roleScheduler.awaitRole('held', { signal: AbortSignal.timeout(10_000), generation: 1 })
  let written = 0
  const backlog = Array.from({ length: 20_000 }, (_, i) => database.recordStore.commit(unitOf(`run ${i}`, 1)).then(() => (written += 1)))
  const lease = await database.roleScheduler.awaitRole('r', { signal: AbortSignal.timeout(10_000), generation: 1 })
  expect(lease.isValid()).toBe(true)
  expect(written).toBeLessThan(2_000)
  await Promise.all(backlog)
  const look = openHandle(file)
  expect(look.prepare('SELECT count(*) AS n FROM workflow_record').get()).toEqual({ n: 20_001 })
  look.close()
})
