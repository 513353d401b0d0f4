/** Transfers with Drizzle: the tables as values, on the transaction of the step. */
import { type AnyRun, after, type Duration } from '@workflow/core'
import { and, eq, inArray, sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { bigint, pgSchema, text, timestamp } from 'drizzle-orm/pg-core'
import type { Pool, PoolClient } from 'pg'
import { NotEnoughMoney } from './bank.ts'
import { approvalFromCents, transfers } from './transfers.contract.ts'

const bank = pgSchema('bank')
const accounts = bank.table('account', {
  id: text().primaryKey(),
  cents: bigint({ mode: 'number' }).notNull(),
})
const ledger = bank.table('ledger', {
  id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  runId: text('run_id').notNull(),
  step: text().notNull(),
  account: text().notNull(),
  cents: bigint({ mode: 'number' }).notNull(),
  at: timestamp({ withTimezone: true }).notNull().defaultNow(),
})

export const drizzleTransfers = (pool: Pool, approvalWithin: Duration) => {
  const db = drizzle(pool)
  return transfers
    .transactional<PoolClient>()
    .addStep('requested', async (run) => {
      const { from, to, cents } = run.object
      const found = await db
        .select({ id: accounts.id, cents: accounts.cents })
        .from(accounts)
        .where(inArray(accounts.id, [from, to]))
      const funds = found.find(({ id }) => id === from)?.cents ?? 0
      if (found.length < 2 || funds < cents) return 'declined'
      return run.commit(cents < approvalFromCents ? 'taken' : 'awaiting-approval', (tx) => move(drizzle(tx), run, from, -cents))
    })
    .addStep('taken', async (run) => run.commit('arrived', (tx) => move(drizzle(tx), run, run.object.to, run.object.cents)))
    .addCallback('awaiting-approval', async (run, { by }) => {
      run.object.approvedBy = by
      return 'taken'
    })
    .addTimeout('awaiting-approval', after(approvalWithin), async (run) =>
      run.commit('returned', (tx) => move(drizzle(tx), run, run.object.from, run.object.cents)),
    )
}

async function move(tx: NodePgDatabase, run: AnyRun, account: string, cents: number): Promise<void> {
  const { rowCount } = await tx
    .update(accounts)
    .set({ cents: sql`${accounts.cents} + ${cents}` })
    .where(and(eq(accounts.id, account), sql`${accounts.cents} + ${cents} >= 0`))
  if (rowCount !== 1) throw new NotEnoughMoney(account)
  await tx.insert(ledger).values({ runId: run.runId, step: run.status, account, cents })
}
