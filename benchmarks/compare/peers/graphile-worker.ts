/** Graphile Worker: a task per step, each of which adds the job of the next. Completed jobs are deleted. */
import { Logger, makeWorkerUtils, run, type TaskList } from 'graphile-worker'
import { Pool, type PoolClient } from 'pg'
import { type Contender, type Facts, handled, type Job, jobOf, type Witness } from '../contender.ts'
import { versionOf } from './package-version.ts'
import { SettledJobs } from './settled-jobs.ts'

const concurrentJobs = 24
const maxPoolSize = 25
const localQueueSize = 500

export const facts: Facts = {
  version: versionOf('graphile-worker'),
  promise: 'at least once',
  commits: 'the job of the next step, then, with other jobs, the deletion of its own',
  settings: `as its performance page has it: concurrentJobs ${concurrentJobs}, maxPoolSize ${maxPoolSize}, localQueue ${localQueueSize}, completeJobBatchDelay 0, failJobBatchDelay 0`,
  observed: 'the statement that deletes the job of the last step has returned',
}

/** Opens it on an empty database. */
export async function open(url: string, witness: Witness): Promise<Contender> {
  const pgPool = new Pool({ connectionString: url, max: maxPoolSize })
  pgPool.on('error', (error) => witness.failed(error))
  const settled = new SettledJobs((n) => witness.completed(n))
  pgPool.on('connect', (client) => observe(client, settled))
  const logger = new Logger(() => (level, message) => {
    if (level === 'error') witness.failed(new Error(message))
  })
  const preset = {
    worker: {
      concurrentJobs,
      localQueue: { size: localQueueSize },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      logger,
    },
  }
  const utils = await makeWorkerUtils({ pgPool, logger })
  await utils.migrate()
  const runner = await run({ preset, pgPool, taskList: tasks(witness), noHandleSignals: true })
  runner.events.on('job:success', ({ job }) => {
    // The tasks below are all there are.
    if (job.task_identifier === 'step-2') settled.ended(job.id, (job.payload as Job).n)
  })
  return {
    start: async (runs) => {
      await utils.addJobs(runs.map((n) => ({ identifier: 'step-0', payload: jobOf(n) })))
    },
    unfinished: async () => {
      const { rows } = await pgPool.query<{ open: number }>('SELECT count(*)::integer AS open FROM graphile_worker._private_jobs')
      return rows[0]?.open ?? 0
    },
    [Symbol.asyncDispose]: async () => {
      await runner.stop()
      await utils.release()
      await pgPool.end()
    },
  }
}

function tasks(witness: Witness): TaskList {
  const stepOf =
    (step: number): TaskList[string] =>
    async (payload, { addJob }) => {
      // What `start` and the step before have put there.
      const job = payload as Job
      witness.stepped(job.n, step)
      if (step < 2) await addJob(`step-${step + 1}`, handled(job))
    }
  return { 'step-0': stepOf(0), 'step-1': stepOf(1), 'step-2': stepOf(2) }
}

/** Its event for a completed job comes before the batch that completes it. */
function observe(client: PoolClient, settled: SettledJobs): void {
  const query = client.query.bind(client) as (...args: readonly unknown[]) => unknown
  const observed = (...args: readonly unknown[]): unknown => {
    const result = query(...args)
    const [config, values] = args
    const parameters = Array.isArray(values) ? values : ((config as { readonly values?: readonly unknown[] } | undefined)?.values ?? [])
    if (result instanceof Promise && parameters.length > 0) result.then(() => settled.succeeded(parameters)).catch(() => undefined)
    return result
  }
  // One signature for the many that it has.
  client.query = observed as typeof client.query
}
