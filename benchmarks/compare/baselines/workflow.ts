/** Workflow itself on Postgres, with the options as they are by default. */
import { createRequire } from 'node:module'
import { type Contract, type Schema, unchecked, workflow } from '@workflow/core'
import { postgres } from '@workflow/postgres'
import { Completions } from '../../harness/completions.ts'
import { type Contender, type Facts, type Job, jobOf, type Witness } from '../contender.ts'

const { version } = createRequire(import.meta.url)('@workflow/postgres/package.json') as { readonly version: string }

export const facts: Facts = {
  version: `@workflow/postgres ${version}`,
  promise: 'at least once',
  commits: 'the record, by compare-and-set, and its event, in one statement together with other runs',
  settings: 'as by default',
  observed: 'awaitCompletion where latencies are measured, else the count of completed runs that the engine reports',
}

type Carried = { -readonly [Key in keyof Job]: Job[Key] }

const graph = {
  placed: { step: ['paid'] },
  paid: { step: ['packed'] },
  packed: { step: ['shipped'] },
  shipped: {},
} as const

const jobs: Contract<'jobs', Schema<Carried>, typeof graph> = workflow('jobs', { object: unchecked<Carried>(), graph })

/** Opens it on an empty database. */
export async function open(url: string, witness: Witness): Promise<Contender> {
  const database = postgres({ connectionString: url })
  const completions = new Completions()
  const running = jobs
    .addStep('placed', async (run) => {
      witness.stepped(run.object.n, 0)
      run.object.handled += 1
      return 'paid'
    })
    .addStep('paid', async (run) => {
      witness.stepped(run.object.n, 1)
      run.object.handled += 1
      return 'packed'
    })
    .addStep('packed', async (run) => {
      witness.stepped(run.object.n, 2)
      run.object.handled += 1
      return 'shipped'
    })
    .build({ ...database, instrumentation: completions })
  await running.run()

  const one = async (n: number, named: boolean): Promise<void> => {
    const runId = await running.trigger(`order-${n}`, { initialValue: jobOf(n) })
    if (!named) return
    running.awaitCompletion(runId).then(
      () => witness.completed(n),
      (error: unknown) => witness.failed(error),
    )
  }
  return {
    start: async (runs, named) => {
      // Either way counts alone: nothing is in flight when one follows the other.
      completions.onEach = named ? () => undefined : () => witness.completed()
      await Promise.all(runs.map((n) => one(n, named)))
    },
    unfinished: async () => {
      const { items } = await running.list({
        state: ['Initiated', 'Running', 'Paused', 'Cancelled', 'RequestedDataDeleted', 'DataDeleted'],
        limit: 1_000,
      })
      return items.length
    },
    [Symbol.asyncDispose]: async () => {
      await running.stop()
      await database.close()
    },
  }
}
