/** The whole program, the way people start it. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { hasServer, testDatabase } from '../test/test-database.ts'

async function start(url: string | undefined): Promise<readonly string[]> {
  const { WORKFLOW_TEST_POSTGRES_URL: _, ...others } = process.env
  const env = url === undefined ? others : { ...others, WORKFLOW_TEST_POSTGRES_URL: url }
  const args = ['--conditions=@workflow/source', join(import.meta.dirname, 'main.ts')]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env })
  expect(stderr).toBe('')
  return stdout.trimEnd().split('\n')
}

const transfers = ['pg     ', 'kysely ', 'drizzle'].map(
  (way) => `${way}  rent arrived, house arrived (approved by Grace), boat returned, island declined`,
)

describe.skipIf(!hasServer)('npm start', () => {
  test('on a server of its own moves money in three ways, and proves it', { timeout: 120_000 }, async () => {
    expect(await start(undefined)).toEqual([
      expect.stringMatching(/^On a Postgres \d+ of its own, gone at the end$/),
      '',
      ...transfers,
      '',
      'ann has 71500.00, bob has 28500.00',
      'audit: 6 arrived, 3 returned, 3 declined; 18 ledger rows, one per step that moved money',
    ])
  })

  test('on a server of the environment goes on from what is there', { timeout: 120_000 }, async () => {
    const url = await testDatabase()
    await start(url)
    const again = await start(url)
    expect(again[0]).toBe('On the Postgres of WORKFLOW_TEST_POSTGRES_URL')
    expect(again.slice(2, 5)).toEqual(transfers)
    expect(again.slice(6)).toEqual([
      'ann has 43000.00, bob has 57000.00',
      'audit: 12 arrived, 6 returned, 6 declined; 36 ledger rows, one per step that moved money',
    ])
  })
})
