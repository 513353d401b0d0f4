import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('reminds whoever is silent, then gives up', { timeout: 20_000 }, async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--conditions=@workflow/source',
    join(import.meta.dirname, 'main.ts'),
  ])
  expect(stderr).toBe('')
  expect(stdout.trimEnd().split('\n')).toEqual([
    'ada: accepted after 0 reminders',
    'reminder 1 to bob@example.org',
    'reminder 2 to bob@example.org',
    'bob: expired after 2 reminders',
  ])
})
