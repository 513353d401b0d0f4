/** One Postgres for business tables, workflow and timers. The same four transfers with pg, with Kysely and with Drizzle. */
import { isWorkflowError } from '@workflow/core'
import { postgres } from '@workflow/postgres'
import pg from 'pg'
import { audit } from './audit.ts'
import { openBank } from './bank.ts'
import { findServer } from './server.ts'
import { transfers } from './transfers.contract.ts'
import { transfersBy, type Way, ways } from './ways.ts'

const orders = [
  { what: 'rent', cents: 50_000 },
  { what: 'house', cents: 900_000, approver: 'Grace' },
  { what: 'boat', cents: 300_000 },
  { what: 'island', cents: 90_000_000 },
] as const

using server = await findServer()
await using resources = new AsyncDisposableStack()
// One pool for everything: the tables of the bank, the workflow's own, its timers.
const pool = resources.adopt(new pg.Pool({ connectionString: server.url, max: 12 }), (open) => open.end())
await openBank(pool, { ann: 10_000_000, bob: 0 })
// Says of which type the connection is that `run.commit` hands out.
const infrastructure = resources.use(postgres<pg.PoolClient>({ pool }))
const client = transfers.client(infrastructure)
console.log(`On ${server.origin}\n`)
for (const way of ways) await transferBy(way)

const { ends, ledgerRows, faults } = await audit(pool, client)
console.log(`\nann has ${await euros('ann')}, bob has ${await euros('bob')}`)
console.log(
  `audit: ${[...ends].map(([end, count]) => `${count} ${end}`).join(', ')}; ${ledgerRows} ledger rows, one per step that moved money`,
)
for (const fault of faults) console.error(fault)
process.exitCode = faults.length === 0 ? 0 : 1

async function transferBy(way: Way): Promise<void> {
  const definition = await transfersBy(way, pool, '1s')
  await using worker = definition.build(infrastructure)
  await worker.run()
  const ended = orders.map(async ({ what, cents, ...others }) => {
    const runId = await started(`${what}-by-${way}`, cents)
    // Kept until the run waits for it.
    if ('approver' in others)
      await client.callback({ runId }, 'awaiting-approval', { by: others.approver }, { queue: true, key: 'approval' }).catch(ignoreLate)
    const { status, object } = await client.awaitCompletion(runId)
    return `${what} ${status}${object.approvedBy === undefined ? '' : ` (approved by ${object.approvedBy})`}`
  })
  console.log(`${way.padEnd(8)} ${(await Promise.all(ended)).join(', ')}`)
}

/** A start that was killed left its transfers behind: this one goes on with them. */
async function started(foreignId: string, cents: number): Promise<string> {
  try {
    return await client.trigger(foreignId, { initialValue: { from: 'ann', to: 'bob', cents } })
  } catch (error) {
    if (isWorkflowError(error, 'WorkflowInProgress')) return String(error.details['runId'])
    throw error
  }
}

function ignoreLate(error: unknown): void {
  if (!isWorkflowError(error, 'RunNotWaiting')) throw error
}

async function euros(account: string): Promise<string> {
  const { rows } = await pool.query<{ cents: string }>('SELECT cents FROM bank.account WHERE id = $1', [account])
  return (Number(rows[0]?.cents) / 100).toFixed(2)
}
