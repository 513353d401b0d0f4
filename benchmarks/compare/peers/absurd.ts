/** Absurd: a task of three steps, claimed by a worker that polls. Its schema comes with its command-line tool, from PyPI. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Absurd } from 'absurd-sdk'
import { Pool } from 'pg'
import { type Contender, type Facts, handled, type Job, jobOf, type Witness } from '../contender.ts'
import { versionOf } from './package-version.ts'

const schemaVersion = '0.5.0'
const concurrency = 100
const connections = 20
const pollSeconds = 0.02
const queueName = 'jobs'

export const facts: Facts = {
  version: `${versionOf('absurd-sdk')}, absurdctl ${schemaVersion}`,
  promise: 'at least once',
  commits: 'its result, in a statement of its own; claim and completion are commits as well',
  settings: `concurrency ${concurrency} (1 by default), ${connections} connections, pollInterval ${pollSeconds} s (0.25 by default)`,
  observed: 'the statement that completes the run has returned',
}

/** Opens it on an empty database. Needs python3 with pip the first time. */
export async function open(url: string, witness: Witness): Promise<Contender> {
  const pool = new Pool({ connectionString: url, max: connections })
  pool.on('error', (error) => witness.failed(error))
  await pool.query(schema())
  const numbers = new Map<string, number>()
  const absurd = new Absurd({
    db: pool,
    queueName,
    hooks: {
      // What it is given to execute includes the completion.
      wrapTaskExecution: async (context, execute) => {
        const result = await execute()
        const n = numbers.get(context.taskID)
        numbers.delete(context.taskID)
        witness.completed(n)
        return result
      },
    },
  })
  await absurd.createQueue(queueName)
  absurd.registerTask<Job, Job>({ name: 'job' }, async (job, context) => {
    numbers.set(context.taskID, job.n)
    let carried = job
    for (let step = 0; step < 3; step++) {
      const given = carried
      carried = await context.step(`step-${step}`, async () => {
        witness.stepped(given.n, step)
        return handled(given)
      })
    }
    return carried
  })
  await absurd.startWorker({ concurrency, pollInterval: pollSeconds, onError: (error) => witness.failed(error) })
  return {
    start: async (runs) => {
      await Promise.all(runs.map((n) => absurd.spawn('job', jobOf(n))))
    },
    unfinished: async () => {
      const { rows } = await pool.query<{ open: number }>(
        `SELECT count(*)::integer AS open FROM absurd.t_${queueName} WHERE state <> 'completed'`,
      )
      return rows[0]?.open ?? 0
    },
    [Symbol.asyncDispose]: async () => {
      await absurd.close()
      await pool.end()
    },
  }
}

/** What its tool would send to the database. */
function schema(): string {
  const folder = fileURLToPath(new URL(`node_modules/.absurdctl-${schemaVersion}`, import.meta.url))
  if (!existsSync(folder)) python(['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, `absurdctl==${schemaVersion}`])
  return python(['-c', 'import absurdctl; print(absurdctl.BUNDLED_SCHEMA_SQL)'], { PYTHONPATH: folder })
}

function python(args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const { status, error, stdout, stderr } = spawnSync('python3', args, { encoding: 'utf8', env: { ...process.env, ...env } })
  if (status !== 0) throw new Error(`absurdctl cannot be had: ${error?.message ?? stderr}`)
  return stdout
}
