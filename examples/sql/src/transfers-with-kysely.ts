/** Transfers with Kysely: typed queries, on the transaction of the step. */
import { type AnyRun, after, type Duration } from '@workflow/core'
import { type ColumnType, type Generated, Kysely, PostgresDialect, sql } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { NotEnoughMoney } from './bank.ts'
import { kyselyOn } from './kysely-on.ts'
import { approvalFromCents, transfers } from './transfers.contract.ts'

/** pg reads a bigint as a text, and takes a number. */
type Bigint = ColumnType<string, number, number>

interface Tables {
  'bank.account': { id: string; cents: Bigint }
  'bank.ledger': { id: Generated<string>; run_id: string; step: string; account: string; cents: Bigint; at: Generated<Date> }
}

export const kyselyTransfers = (pool: Pool, approvalWithin: Duration) => {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  return transfers
    .transactional<PoolClient>()
    .addStep('requested', async (run) => {
      const { from, to, cents } = run.object
      const accounts = await db.selectFrom('bank.account').select(['id', 'cents']).where('id', 'in', [from, to]).execute()
      const funds = accounts.find(({ id }) => id === from)?.cents
      if (accounts.length < 2 || Number(funds) < cents) return 'declined'
      return run.commit(cents < approvalFromCents ? 'taken' : 'awaiting-approval', (tx) => move(kyselyOn(tx), run, from, -cents))
    })
    .addStep('taken', async (run) => run.commit('arrived', (tx) => move(kyselyOn(tx), run, run.object.to, run.object.cents)))
    .addCallback('awaiting-approval', async (run, { by }) => {
      run.object.approvedBy = by
      return 'taken'
    })
    .addTimeout('awaiting-approval', after(approvalWithin), async (run) =>
      run.commit('returned', (tx) => move(kyselyOn(tx), run, run.object.from, run.object.cents)),
    )
}

async function move(tx: Kysely<Tables>, run: AnyRun, account: string, cents: number): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('bank.account')
    .set({ cents: sql<number>`cents + ${cents}` })
    .where('id', '=', account)
    .where(sql<boolean>`cents + ${cents} >= 0`)
    .executeTakeFirstOrThrow()
  if (numUpdatedRows !== 1n) throw new NotEnoughMoney(account)
  await tx.insertInto('bank.ledger').values({ run_id: run.runId, step: run.status, account, cents }).execute()
}
