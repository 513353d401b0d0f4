/** BullMQ: one job per run that stores how far it has come after each step, as its page on step jobs has it. */
import { Queue, Worker } from 'bullmq'
import { type Contender, type Facts, handled, type Job, jobOf, type Witness } from '../contender.ts'
import { versionOf } from './package-version.ts'

const concurrency = 100
const queueName = 'jobs'

export const facts: Facts = {
  version: versionOf('bullmq', 'ioredis'),
  promise: 'at least once',
  commits: "the job's data with the step reached, by a command of its own; the last step is the completion of the job",
  settings: `concurrency ${concurrency} (1 by default)`,
  observed: "the worker's event 'completed', which follows the reply of Redis",
}

interface Progress {
  readonly step: number
  readonly job: Job
}

/** Opens it on an empty server. */
export async function open(url: string, witness: Witness): Promise<Contender> {
  const { hostname: host, port } = new URL(url)
  const connection = { host, port: Number(port) }
  const queue = new Queue<Progress>(queueName, { connection })
  const worker = new Worker<Progress, Job>(
    queueName,
    async (task) => {
      let { step, job } = task.data
      for (;;) {
        witness.stepped(job.n, step)
        job = handled(job)
        if (++step === 3) return job
        await task.updateData({ step, job })
      }
    },
    { connection, concurrency, maxStalledCount: 0 },
  )
  worker.on('completed', (task) => witness.completed(task.data.job.n))
  worker.on('failed', (_, error) => witness.failed(error))
  worker.on('error', (error) => witness.failed(error))
  await worker.waitUntilReady()
  return {
    start: async (runs) => {
      await queue.addBulk(runs.map((n) => ({ name: 'job', data: { step: 0, job: jobOf(n) } })))
    },
    unfinished: async () => queue.getJobCountByTypes('active', 'waiting', 'prioritized', 'delayed', 'failed'),
    [Symbol.asyncDispose]: async () => {
      await worker.close()
      await queue.close()
    },
  }
}
