/** What work costs while the database grows. The runs that are stored are copies, made by SQL. */
import type { Workflow } from '@workflow/core'
import type { Case } from '../harness/bench.ts'
import { Completions } from '../harness/completions.ts'
import { openDatabase } from '../harness/database.ts'
import { window } from '../harness/loads.ts'
import { meter } from '../harness/meter.ts'
import { orderOf, type Orders, ordersWorkflow, stepsPerRun } from '../harness/orders.ts'
import { fill, settle } from '../harness/postgres-filling.ts'
import type { PostgresPlace } from '../harness/postgres-schema.ts'
import type { Figure } from '../harness/report.ts'

/** How many runs each measurement makes, and the warm-up before them; they are stored runs afterwards. */
const sample = 10_000
const smallest = 10_000
/** What workflows have by default. */
export const slots = 16

/** The rate of a window at 10⁴, 10⁵ … runs, up to the number that is asked for. */
export function storedRunsBySql(name: string, open: () => Promise<PostgresPlace>): Case {
  return {
    name,
    runs: 1_000_000,
    measure: async ({ runs, repeats }) => {
      await using place = await open()
      const template = await completedRun(place)
      const figures: Figure[] = []
      let stored = 1
      for (let size = Math.min(smallest, runs); size <= runs; size *= 10) {
        await fill(place, { template, copies: Math.max(0, size - stored), slots, seen: true })
        await settle(place)
        const count = Math.min(sample, runs)
        const values = await rates(place, `at-${size}`, count, repeats)
        stored = size + count * (repeats + 1)
        figures.push({ metric: `at ${size.toLocaleString('en')} runs`, unit: 'transitions/s', values })
        figures.push({ metric: `database at ${size.toLocaleString('en')} runs`, unit: 'MB', values: [await place.megabytes()] })
      }
      return figures
    },
  }
}

/** Transitions a second in windows of runs, after one that is thrown away. */
export async function rates(place: PostgresPlace, prefix: string, runs: number, repeats: number): Promise<readonly number[]> {
  const values: number[] = []
  await working(place, async (workflow, completions) => {
    for (let i = 0; i <= repeats; i++) {
      const elapsed = meter()
      await window({ workflow, completions, prefix: `${prefix}-${i}`, runs })
      if (i > 0) values.push(((runs * stepsPerRun) / elapsed().wallMs) * 1_000)
    }
  })
  return values
}

/** A run that the engine has worked on from its beginning to its end. */
export async function completedRun(place: PostgresPlace): Promise<string> {
  return working(place, async (workflow) => {
    const runId = await workflow.trigger('template', { initialValue: orderOf(0) })
    await workflow.awaitCompletion(runId)
    return runId
  })
}

/** Runs the workflow for as long as `work` takes. */
export async function working<T>(
  place: PostgresPlace,
  work: (workflow: Workflow<Orders>, completions: Completions) => Promise<T>,
): Promise<T> {
  const completions = new Completions()
  await using database = openDatabase(place.address)
  await using workflow = ordersWorkflow(database, completions)
  await workflow.run()
  return await work(workflow, completions)
}
