/** What a transition costs while the database grows. */
import { sqlite } from '@workflow/sqlite'
import type { Case } from '../harness/bench.ts'
import { Completions } from '../harness/completions.ts'
import { window } from '../harness/loads.ts'
import { meter } from '../harness/meter.ts'
import { ordersWorkflow, stepsPerRun } from '../harness/orders.ts'
import type { Figure } from '../harness/report.ts'
import { temporaryFile } from '../harness/sqlite-file.ts'

/** How many runs each measurement makes; they are stored runs afterwards. */
const sample = 10_000
const smallest = 10_000

export function storedRuns(name: string): Case {
  return {
    name,
    runs: 1_000_000,
    measure: async ({ runs, repeats }) => {
      using temporary = temporaryFile()
      await using database = sqlite({ file: temporary.file })
      const completions = new Completions()
      await using workflow = ordersWorkflow(database, completions)
      await workflow.run()
      const load = (count: number): Promise<void> => window({ workflow, completions, prefix: String(completions.total), runs: count })
      const figures: Figure[] = []
      for (let stored = smallest; stored <= runs; stored *= 10) {
        while (completions.total < stored) await load(Math.min(sample, stored - completions.total))
        const values: number[] = []
        for (let i = 0; i < repeats; i++) {
          const elapsed = meter()
          await load(sample)
          values.push((elapsed().wallMs / sample / stepsPerRun) * 1_000)
        }
        figures.push({ metric: `at ${stored.toLocaleString('en')} runs`, unit: 'µs/transition', values })
        figures.push({ metric: `file at ${stored.toLocaleString('en')} runs`, unit: 'MB', values: [temporary.megabytes()] })
      }
      return figures
    },
  }
}
