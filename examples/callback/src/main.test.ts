import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('waits for a decision, and refuses what does not fit or comes too late', { timeout: 20_000 }, async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--conditions=@workflow/source',
    join(import.meta.dirname, 'main.ts'),
  ])
  expect(stderr).toBe('')
  expect(stdout.trimEnd().split('\n')).toEqual([
    'expense-1 waits for a decision',
    'refused: Validation',
    'expense-1 is paid, decided by Grace',
    'refused: RunNotWaiting',
  ])
})
