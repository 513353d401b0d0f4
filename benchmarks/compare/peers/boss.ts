/** pg-boss: a queue per step. A step inserts the job of the next; its own is completed afterwards. */
import { type Job as BossJob, type JobResult, PgBoss } from 'pg-boss'
import { Pool } from 'pg'
import { type Contender, type Facts, handled, type Job, jobOf, type Witness } from '../contender.ts'
import { versionOf } from './package-version.ts'
import { SettledJobs } from './settled-jobs.ts'

const queues = ['step-0', 'step-1', 'step-2'] as const
const batchSize = 100
const localConcurrency = 2

const about = {
  version: versionOf('pg-boss'),
  promise: 'at least once',
  observed: 'the statement that completes the job of the last step has returned',
} as const
const settings = `LISTEN/NOTIFY on, batchSize ${batchSize} (1 by default), localConcurrency ${localConcurrency} per step, burstWhenBatchFull`

export const singleFacts: Facts = {
  ...about,
  commits: 'the job of the next step, by a statement of its own, then, with other jobs, the completion of its own',
  settings: `${settings}, perJobResults: a job that fails fails alone`,
}
export const batchedFacts: Facts = {
  ...about,
  commits: 'the jobs of the next step, then the completion of its own, in a statement each for a batch: one that fails fails all',
  settings: `${settings}; one handler call for a batch`,
}

/** Opens it on an empty database. */
export async function openBoss(url: string, witness: Witness, batched: boolean): Promise<Contender> {
  const boss = new PgBoss({ connectionString: url, useListenNotify: true })
  boss.on('error', (error) => witness.failed(error))
  const settled = new SettledJobs((n) => witness.completed(n))
  await boss.start()
  observe(boss, settled)
  for (const queue of queues) await boss.createQueue(queue, { notify: true })
  for (const step of queues.keys()) await (batched ? workBatched : workSingly)(boss, step, witness, settled)
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

const working = { batchSize, localConcurrency, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 } as const

async function workBatched(boss: PgBoss, step: number, witness: Witness, settled: SettledJobs): Promise<void> {
  const next = queues[step + 1]
  await boss.work<Job>(queueOf(step), working, async (jobs: readonly BossJob<Job>[]) => {
    for (const { data } of jobs) witness.stepped(data.n, step)
    if (next === undefined) for (const { id, data } of jobs) settled.ended(id, data.n)
    else
      await boss.insert(
        next,
        jobs.map(({ data }) => ({ data: handled(data) })),
      )
  })
}

async function workSingly(boss: PgBoss, step: number, witness: Witness, settled: SettledJobs): Promise<void> {
  const next = queues[step + 1]
  const one = async ({ id, data }: BossJob<Job>): Promise<JobResult> => {
    witness.stepped(data.n, step)
    if (next === undefined) settled.ended(id, data.n)
    else await boss.send(next, handled(data))
    return { id, status: 'completed' }
  }
  await boss.work<Job>(queueOf(step), { ...working, perJobResults: true }, async (jobs: readonly BossJob<Job>[]) =>
    Promise.all(jobs.map(one)),
  )
}

function queueOf(step: number): string {
  const queue = queues[step]
  if (queue === undefined) throw new Error(`there is no step ${step}`)
  return queue
}

/** It has no event for a completed job. */
function observe(boss: PgBoss, settled: SettledJobs): void {
  const database = boss.getDb()
  const execute = database.executeSql.bind(database)
  database.executeSql = async (text: string, values?: unknown[]) => {
    const result = await execute(text, values)
    settled.succeeded((values ?? []).map(idsIn))
    return result
  }
}

/** Jobs that are completed each with a result of its own come as text of JSON, in which the id stands first. */
function idsIn(parameter: unknown): unknown {
  if (typeof parameter !== 'string' || !parameter.startsWith('[{"id":"')) return parameter
  return Array.from(parameter.matchAll(/\{"id":"([0-9a-f-]{36})","retry_count"/g), ([, id]) => id)
}
