/** A transaction of Kysely or Drizzle inside of a step's would commit it too early: it is refused, and nothing stays. */
import { isWorkflowError } from '@workflow/core'
import { postgres } from '@workflow/postgres'
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { sql as kyselySql } from 'kysely'
import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { hasServer, testDatabase } from '../test/test-database.ts'
import { openBank } from './bank.ts'
import { kyselyOn } from './kysely-on.ts'

const harm = `UPDATE bank.account SET cents = 0`
const inner = {
  kysely: (tx: pg.PoolClient) =>
    kyselyOn(tx)
      .transaction()
      .execute((own) => kyselySql.raw(harm).execute(own)),
  drizzle: (tx: pg.PoolClient) => drizzle(tx).transaction((own) => own.execute(drizzleSql.raw(harm))),
}

describe.skipIf(!hasServer)('inside of the transaction of a step', { timeout: 60_000 }, () => {
  test.each(['kysely', 'drizzle'] as const)('one of %s is refused, and leaves nothing behind', async (way) => {
    const pool = new pg.Pool({ connectionString: await testDatabase(), max: 8 })
    onTestFinished(() => pool.end())
    await openBank(pool, { ann: 100 })
    await using infrastructure = postgres<pg.PoolClient>({ pool })
    const { signal } = new AbortController()
    const error: unknown = await infrastructure.recordStore
      .transaction?.<unknown>((tx) => inner[way](tx), { signal })
      .catch((thrown: unknown) => thrown)
    // Drizzle puts an error of its own around it.
    const cause = isWorkflowError(error) ? error : (error as Error).cause
    expect(isWorkflowError(cause, 'InvalidArgument')).toBe(true)
    expect((await pool.query('SELECT cents FROM bank.account')).rows).toEqual([{ cents: '100' }])
  })
})
