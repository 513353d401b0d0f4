import { expect, test } from 'vitest'
import { sqlite } from '../src/index.ts'
import { openHandle, temporaryFolder } from './database-file.ts'

test('a role whose dead holder had a clock in the future is taken over after a lease of ours', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  const options = { file, lease: '300ms' } as const
  await using database = sqlite(options)
  await database.roleScheduler.awaitRole('other', { signal: AbortSignal.timeout(10_000), generation: 1 })
  const handle = openHandle(file)
  handle.prepare("INSERT INTO workflow_instance (id, name, expires_at, lease_ms) VALUES ('ghost', 'ghost', 9007199254740991, 300)").run()
  handle.prepare("INSERT INTO workflow_role (role, token, instance, generation, since) VALUES ('r', 7, 'ghost', 1, 0)").run()
  handle.close()
  const lease = await database.roleScheduler.awaitRole('r', { signal: AbortSignal.timeout(10_000), generation: 1 })
  expect([lease.fence.token, lease.unclean]).toEqual([8n, true])
})
