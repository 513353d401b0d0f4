import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('acts once on each message, also on one that comes twice', { timeout: 20_000 }, async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--conditions=@workflow/source',
    join(import.meta.dirname, 'main.ts'),
  ])
  expect(stderr).toBe('')
  expect(stdout.trimEnd().split('\n')).toEqual([
    'parcel-1: delivered, signed by M. Silva',
    'parcel-2: delivered, signed by K. Weber',
    '2 runs for 5 messages',
  ])
})
