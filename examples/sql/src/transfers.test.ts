import { postgres } from '@workflow/postgres'
import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { hasServer, testDatabase } from '../test/test-database.ts'
import { audit, type Audit } from './audit.ts'
import { openBank } from './bank.ts'
import type { transfers } from './transfers.contract.ts'
import { transfersBy, ways, type Way } from './ways.ts'

interface Bank {
  readonly pool: pg.Pool
  readonly client: ReturnType<typeof transfers.client>
  readonly audit: () => Promise<Audit>
}

/** A bank at work, until the test ends. */
async function bankAtWork(way: Way, accounts: Readonly<Record<string, number>>): Promise<Bank> {
  const pool = new pg.Pool({ connectionString: await testDatabase(), max: 12 })
  onTestFinished(() => pool.end())
  await openBank(pool, accounts)
  const infrastructure = postgres<pg.PoolClient>({ pool })
  onTestFinished(() => infrastructure.close())
  const definition = await transfersBy(way, pool, '1h')
  const client = definition.build({ ...infrastructure, defaults: { parallelCount: 4, errBackOff: '10ms' } })
  onTestFinished(() => client.stop())
  await client.run()
  return { pool, client, audit: () => audit(pool, client) }
}

describe.skipIf(!hasServer).each(ways)('with %s', { timeout: 60_000 }, (way) => {
  test('of many transfers over the same money one takes it, and the others are rolled back and declined', async () => {
    const { client, audit: audited } = await bankAtWork(way, { ann: 100, bob: 0 })
    const started = await client.triggerMany(
      Array.from({ length: 30 }, (_, n) => ({ foreignId: `t-${n}`, initialValue: { from: 'ann', to: 'bob', cents: 60 } })),
    )
    for (const { runId } of started) await client.awaitCompletion(runId ?? '')
    expect(await audited()).toEqual({
      ends: new Map([
        ['arrived', 1],
        ['declined', 29],
      ]),
      ledgerRows: 2,
      cents: 100,
      faults: [],
    })
  })

  test('an account that does not exist is no reason to take money', async () => {
    const { client, audit: audited } = await bankAtWork(way, { ann: 100 })
    await client.awaitCompletion(await client.trigger('t', { initialValue: { from: 'ann', to: 'nobody', cents: 1 } }))
    expect(await audited()).toMatchObject({ ends: new Map([['declined', 1]]), ledgerRows: 0, faults: [] })
  })

  test('a transfer that waits for its approval has left the account', async () => {
    const { client, pool } = await bankAtWork(way, { ann: 500_000, bob: 0 })
    const runId = await client.trigger('t', { initialValue: { from: 'ann', to: 'bob', cents: 200_000 } })
    await client.await(runId, 'awaiting-approval')
    const cents = async (): Promise<unknown> => (await pool.query('SELECT id, cents FROM bank.account ORDER BY id')).rows
    expect(await cents()).toEqual([
      { id: 'ann', cents: '300000' },
      { id: 'bob', cents: '0' },
    ])
    await client.callback({ runId }, 'awaiting-approval', { by: 'Grace' })
    expect((await client.awaitCompletion(runId)).object.approvedBy).toBe('Grace')
    expect(await cents()).toEqual([
      { id: 'ann', cents: '300000' },
      { id: 'bob', cents: '200000' },
    ])
  })
})

describe.skipIf(!hasServer)('the audit', { timeout: 60_000 }, () => {
  test.each([
    [
      'a row twice',
      'INSERT INTO bank.ledger (run_id, step, account, cents) SELECT run_id, step, account, cents FROM bank.ledger LIMIT 1',
      'instead of',
    ],
    ['a row that is missing', 'DELETE FROM bank.ledger WHERE cents < 0', 't is arrived, and the ledger has [taken bob 60]'],
    [
      'a row of no transfer',
      `INSERT INTO bank.ledger (run_id, step, account, cents) VALUES ('x', 'taken', 'bob', 1)`,
      'no transfer x is stored',
    ],
    ['a cent that is gone', `UPDATE bank.account SET cents = cents - 1 WHERE id = 'bob'`, '1 cents are missing'],
    ['money in the wrong account', `UPDATE bank.account SET cents = 50`, 'account ann has 50 cents, and 40 by the ledger'],
  ])('finds %s', async (_what, harm, fault) => {
    const { client, pool, audit: audited } = await bankAtWork('pg', { ann: 100, bob: 0 })
    await client.awaitCompletion(await client.trigger('t', { initialValue: { from: 'ann', to: 'bob', cents: 60 } }))
    expect((await audited()).faults).toEqual([])
    await pool.query(harm)
    expect((await audited()).faults.join('\n')).toContain(fault)
  })

  test('finds a transfer that has not ended', async () => {
    const { client, audit: audited } = await bankAtWork('pg', { ann: 500_000, bob: 0 })
    await client.await(await client.trigger('t', { initialValue: { from: 'ann', to: 'bob', cents: 200_000 } }), 'awaiting-approval')
    expect((await audited()).faults.join('\n')).toContain('t has not ended: it is Running at awaiting-approval')
  })
})
