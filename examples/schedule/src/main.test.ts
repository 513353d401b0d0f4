import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('starts runs at set times, and stops when asked to', { timeout: 20_000 }, async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--conditions=@workflow/source',
    join(import.meta.dirname, 'main.ts'),
  ])
  expect(stderr).toBe('')
  expect(stdout.trimEnd().split('\n')).toEqual([
    'sent a report of 42 rows',
    'sent a report of 42 rows',
    "2 runs of 'often'; 'nightly' waits for half past two",
  ])
})
