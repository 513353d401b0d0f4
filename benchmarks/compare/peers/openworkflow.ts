/** OpenWorkflow: a workflow of three steps, claimed by a worker that polls. */
import { OpenWorkflow } from 'openworkflow'
import { BackendPostgres } from 'openworkflow/postgres'
import { Pool } from 'pg'
import { type Contender, type Facts, handled, type Job, jobOf, type Witness } from '../contender.ts'
import { versionOf } from './package-version.ts'

const concurrency = 100

export const facts: Facts = {
  version: versionOf('openworkflow', 'postgres'),
  promise: 'at least once',
  commits: 'the beginning of its attempt and its result, in a statement each; claim and completion are commits as well',
  settings: `worker concurrency ${concurrency} (1 by default), its own 10 connections`,
  observed: 'the statement that completes the run has returned',
}

/** Opens it on an empty database. */
export async function open(url: string, witness: Witness): Promise<Contender> {
  const backend = await BackendPostgres.connect(url)
  const numbers = new Map<string, number>()
  observe(backend, (id) => {
    const n = numbers.get(id)
    numbers.delete(id)
    witness.completed(n)
  })
  const flow = new OpenWorkflow({ backend })
  const job = flow.defineWorkflow<Job, Job>({ name: 'job' }, async ({ input, step, run }) => {
    numbers.set(run.id, input.n)
    let carried = input
    for (let at = 0; at < 3; at++) {
      const given = carried
      carried = await step.run({ name: `step-${at}` }, async () => {
        witness.stepped(given.n, at)
        return handled(given)
      })
    }
    return carried
  })
  const worker = flow.newWorker({ concurrency })
  await worker.start()
  const reader = new Pool({ connectionString: url, max: 1 })
  return {
    start: async (runs) => {
      await Promise.all(runs.map((n) => job.run(jobOf(n))))
    },
    unfinished: async () => {
      const { rows } = await reader.query<{ open: number }>(
        `SELECT count(*)::integer AS open FROM openworkflow.workflow_runs WHERE status <> 'completed'`,
      )
      return rows[0]?.open ?? 0
    },
    [Symbol.asyncDispose]: async () => {
      await worker.stop()
      await reader.end()
      await backend.stop()
    },
  }
}

/** A handle polls once a second: this sees the same moment without asking. */
function observe(backend: BackendPostgres, completed: (runId: string) => void): void {
  const complete = backend.completeWorkflowRun.bind(backend)
  backend.completeWorkflowRun = async (params) => {
    const run = await complete(params)
    completed(run.id)
    return run
  }
}
