/** Transfers in plain SQL, on a connection of pg. */
import { type AnyRun, after, type Duration } from '@workflow/core'
import type { Pool, PoolClient } from 'pg'
import { NotEnoughMoney } from './bank.ts'
import { approvalFromCents, transfers } from './transfers.contract.ts'

export const pgTransfers = (pool: Pool, approvalWithin: Duration) =>
  transfers
    .transactional<PoolClient>()
    .addStep('requested', async (run) => {
      const { from, to, cents } = run.object
      // Whatever takes time, or only reads, comes before the transaction.
      const { rows } = await pool.query<{ id: string; cents: string }>('SELECT id, cents FROM bank.account WHERE id IN ($1, $2)', [
        from,
        to,
      ])
      const funds = rows.find(({ id }) => id === from)?.cents
      if (rows.length < 2 || Number(funds) < cents) return 'declined'
      // The rows of `move` and the transition commit together, or neither does.
      return run.commit(cents < approvalFromCents ? 'taken' : 'awaiting-approval', (tx) => move(tx, run, from, -cents))
    })
    .addStep('taken', async (run) => run.commit('arrived', (tx) => move(tx, run, run.object.to, run.object.cents)))
    .addCallback('awaiting-approval', async (run, { by }) => {
      run.object.approvedBy = by
      return 'taken'
    })
    // The timer is a row of the same database, too: set with the transition, gone with it.
    .addTimeout('awaiting-approval', after(approvalWithin), async (run) =>
      run.commit('returned', (tx) => move(tx, run, run.object.from, run.object.cents)),
    )

async function move(tx: PoolClient, run: AnyRun, account: string, cents: number): Promise<void> {
  const { rowCount } = await tx.query('UPDATE bank.account SET cents = cents + $2 WHERE id = $1 AND cents + $2 >= 0', [account, cents])
  if (rowCount !== 1) throw new NotEnoughMoney(account)
  await tx.query('INSERT INTO bank.ledger (run_id, step, account, cents) VALUES ($1, $2, $3, $4)', [run.runId, run.status, account, cents])
}
