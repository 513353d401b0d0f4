/** Proves, from what is stored and nothing else, that every transfer ended and moved its money exactly once. */
import type { WorkflowClient } from '@workflow/core'
import type { Pool } from 'pg'
import type { transfers } from './transfers.contract.ts'

export interface Audit {
  /** Transfers by the status that they ended at. */
  readonly ends: ReadonlyMap<string, number>
  readonly ledgerRows: number
  /** What is on all accounts together. */
  readonly cents: number
  /** What is wrong; nothing, if all promises were kept. */
  readonly faults: readonly string[]
}

type Client = Pick<WorkflowClient<typeof transfers>, 'list'>
type Transfer = Awaited<ReturnType<Client['list']>>['items'][number]

/** What the steps of a transfer must have written, by where it ended: account and cents. */
const stepsOf: Readonly<Record<string, (order: { from: string; to: string; cents: number }) => readonly string[]>> = {
  arrived: ({ from, to, cents }) => [`requested ${from} ${-cents}`, `taken ${to} ${cents}`],
  returned: ({ from, cents }) => [`awaiting-approval ${from} ${cents}`, `requested ${from} ${-cents}`],
  declined: () => [],
}

/** Ask it when nothing is at work any more: it reads the runs first, and the tables afterwards. */
export async function audit(pool: Pool, client: Client): Promise<Audit> {
  const runs = await allTransfers(client)
  const ledger = await ledgerByRun(pool)
  const faults = [...runs.flatMap((run) => transferFaults(run, ledger.get(run.runId) ?? [])), ...(await accountFaults(pool))]
  const known = new Set(runs.map(({ runId }) => runId))
  for (const [runId, rows] of ledger)
    if (!known.has(runId)) faults.push(`no transfer ${runId} is stored, and the ledger has ${rows.join(', ')}`)
  const ends = new Map<string, number>()
  for (const { status } of runs) ends.set(status, (ends.get(status) ?? 0) + 1)
  return { ends, ledgerRows: [...ledger.values()].flat().length, cents: await total(pool), faults }
}

async function allTransfers(client: Client): Promise<readonly Transfer[]> {
  const runs: Transfer[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await client.list({ order: 'oldest', limit: 1_000, ...(cursor === undefined ? {} : { cursor }) })
    runs.push(...page.items)
    cursor = page.cursor
    if (cursor === undefined) return runs
  }
}

async function ledgerByRun(pool: Pool): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await pool.query<{ run_id: string; row: string }>(
    `SELECT run_id, step || ' ' || account || ' ' || cents AS row FROM bank.ledger ORDER BY run_id, row`,
  )
  const byRun = new Map<string, string[]>()
  for (const { run_id: runId, row } of rows) byRun.set(runId, [...(byRun.get(runId) ?? []), row])
  return byRun
}

function transferFaults(run: Transfer, rows: readonly string[]): readonly string[] {
  const expected = run.object === undefined ? undefined : stepsOf[run.status]?.(run.object).toSorted()
  if (run.state !== 'Completed' || expected === undefined) return [`${run.foreignId} has not ended: it is ${run.state} at ${run.status}`]
  const [found, wanted] = [rows.toSorted().join(', '), expected.join(', ')]
  return found === wanted ? [] : [`${run.foreignId} is ${run.status}, and the ledger has [${found}] instead of [${wanted}]`]
}

/** Each account holds what it was opened with and what the ledger says; all together hold what all were opened with. */
async function accountFaults(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ id: string; cents: string; booked: string }>(
    `SELECT id, cents, opening_cents + coalesce((SELECT sum(l.cents) FROM bank.ledger l WHERE l.account = a.id), 0) AS booked
     FROM bank.account a ORDER BY id`,
  )
  const faults = rows
    .filter(({ cents, booked }) => cents !== booked)
    .map(({ id, cents, booked }) => `account ${id} has ${cents} cents, and ${booked} by the ledger`)
  const { rows: sums } = await pool.query<{ missing: string }>('SELECT sum(opening_cents) - sum(cents) AS missing FROM bank.account')
  const missing = sums[0]?.missing ?? '0'
  return missing === '0' ? faults : [...faults, `${missing} cents are missing from all accounts together`]
}

async function total(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ cents: string }>('SELECT sum(cents) AS cents FROM bank.account')
  return Number(rows[0]?.cents ?? 0)
}
