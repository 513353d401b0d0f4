import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('runs from the first status to the last, and tells its story', { timeout: 20_000 }, async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--conditions=@workflow/source',
    join(import.meta.dirname, 'main.ts'),
  ])
  expect(stderr).toBe('')
  expect(stdout.trimEnd().split('\n')).toEqual([
    'Welcome, ada@example.org!',
    'user-7 is welcomed: account of user-7',
    '  1. nothing -> received (trigger)',
    '  2. received -> created (step)',
    '  3. created -> welcomed (step)',
  ])
})
