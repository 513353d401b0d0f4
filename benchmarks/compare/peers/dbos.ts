/** DBOS Transact: a workflow function of three steps, started directly or through a queue. */
import { DBOS, type DBOSConfig } from '@dbos-inc/dbos-sdk'
import { DBOSExecutor } from '@dbos-inc/dbos-sdk/internal/dbos-executor'
import { Pool } from 'pg'
import { type Contender, type Facts, handled, type Job, jobOf, type Witness } from '../contender.ts'
import { versionOf } from './package-version.ts'

const poolSize = 20
const queueName = 'jobs'
const pollMs = 20
const prefix = 'order-'

const about = {
  version: versionOf('@dbos-inc/dbos-sdk'),
  promise: 'at least once',
  commits: 'its result, in a statement of its own; the beginning and the end of the workflow are commits as well',
  observed: 'the transaction that records the output of the workflow has returned',
} as const
const pool = `systemDatabasePoolSize ${poolSize} (10 by default)`

export const directFacts: Facts = { ...about, settings: `${pool}; the workflow runs in the process that starts it` }
export const queuedFacts: Facts = {
  ...about,
  settings: `${pool}; one queue without limits, minPollingIntervalMs ${pollMs} (1,000 by default)`,
}

/** Opens it on an empty database. */
export async function openDbos(url: string, witness: Witness, queued: boolean): Promise<Contender> {
  const config: DBOSConfig = { name: 'compare', systemDatabaseUrl: url, systemDatabasePoolSize: poolSize, logLevel: 'warn' }
  const job = DBOS.registerWorkflow(
    async (first: Job): Promise<Job> => {
      let carried = first
      for (let step = 0; step < 3; step++) {
        const given = carried
        carried = await DBOS.runStep(
          async () => {
            witness.stepped(given.n, step)
            return handled(given)
          },
          { name: `step-${step}` },
        )
      }
      return carried
    },
    { name: 'job' },
  )
  DBOS.setConfig(config)
  await DBOS.launch()
  if (queued) await DBOS.registerQueue(queueName, { minPollingIntervalMs: pollMs })
  observe(witness)
  const reader = new Pool({ connectionString: url, max: 1 })
  return {
    start: async (runs) => {
      await Promise.all(
        runs.map((n) => DBOS.startWorkflow(job, { workflowID: `${prefix}${n}`, ...(queued ? { queueName } : {}) })(jobOf(n))),
      )
    },
    unfinished: async () => {
      const { rows } = await reader.query<{ open: number }>(
        `SELECT count(*)::integer AS open FROM dbos.workflow_status WHERE workflow_uuid LIKE '${prefix}%' AND status <> 'SUCCESS'`,
      )
      return rows[0]?.open ?? 0
    },
    [Symbol.asyncDispose]: async () => {
      await reader.end()
      await DBOS.shutdown()
    },
  }
}

/** A handle of a queued workflow polls: this sees the same moment without asking. */
function observe(witness: Witness): void {
  const database = DBOSExecutor.globalInstance?.systemDatabase
  if (database === undefined) throw new Error('DBOS has not been launched')
  const record = database.recordWorkflowOutput.bind(database)
  database.recordWorkflowOutput = async (...args: Parameters<typeof record>) => {
    const recorded = await record(...args)
    const [id] = args
    if (recorded && id.startsWith(prefix)) witness.completed(Number(id.slice(prefix.length)))
    return recorded
  }
}
