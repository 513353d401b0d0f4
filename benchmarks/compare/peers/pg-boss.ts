/** pg-boss: a queue per step. A handler runs a step for a batch of jobs, inserts the jobs of the next, and completes its own. */
import { type Job as BossJob, PgBoss } from 'pg-boss'
import { Pool } from 'pg'
import { type Contender, type Facts, handled, type Job, jobOf, type Witness } from '../contender.ts'
import { versionOf } from './package-version.ts'
import { SettledJobs } from './settled-jobs.ts'

const queues = ['step-0', 'step-1', 'step-2'] as const
const batchSize = 100
const localConcurrency = 2

export const facts: Facts = {
  version: versionOf('pg-boss'),
  promise: 'at least once',
  commits: 'the jobs of the next step, then the completion of its own, in a statement each for a batch',
  settings: `LISTEN/NOTIFY on, batchSize ${batchSize} (1 by default), localConcurrency ${localConcurrency} per step, burstWhenBatchFull`,
  observed: 'the statement that completes the job of the last step has returned',
}

/** Opens it on an empty database. */
export async function open(url: string, witness: Witness): Promise<Contender> {
  const boss = new PgBoss({ connectionString: url, useListenNotify: true })
  boss.on('error', (error) => witness.failed(error))
  const settled = new SettledJobs((n) => witness.completed(n))
  await boss.start()
  observe(boss, settled)
  for (const queue of queues) await boss.createQueue(queue, { notify: true })
  for (const [step, queue] of queues.entries()) {
    const next = queues[step + 1]
    await boss.work<Job>(
      queue,
      { batchSize, localConcurrency, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 },
      async (jobs: readonly BossJob<Job>[]) => {
        for (const { data } of jobs) witness.stepped(data.n, step)
        if (next === undefined) for (const { id, data } of jobs) settled.ended(id, data.n)
        else
          await boss.insert(
            next,
            jobs.map(({ data }) => ({ data: handled(data) })),
          )
      },
    )
  }
  const reader = new Pool({ connectionString: url, max: 1 })
  return {
    start: async (runs) => {
      await boss.insert(
        queues[0],
        runs.map((n) => ({ data: jobOf(n) })),
      )
    },
    unfinished: async () => {
      const { rows } = await reader.query<{ open: number }>(
        `SELECT count(*)::integer AS open FROM pgboss.job WHERE name LIKE 'step-%' AND state <> 'completed'`,
      )
      return rows[0]?.open ?? 0
    },
    [Symbol.asyncDispose]: async () => {
      await reader.end()
      await boss.stop({ graceful: false })
    },
  }
}

/** It has no event for a completed job. */
function observe(boss: PgBoss, settled: SettledJobs): void {
  const database = boss.getDb()
  const execute = database.executeSql.bind(database)
  database.executeSql = async (text: string, values?: unknown[]) => {
    const result = await execute(text, values)
    settled.succeeded(values ?? [])
    return result
  }
}
