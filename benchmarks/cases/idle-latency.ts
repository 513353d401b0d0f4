/** How long one run takes on an engine with nothing else to do. */
import type { Case } from '../harness/bench.ts'
import { Completions } from '../harness/completions.ts'
import { latencies } from '../harness/loads.ts'
import { ordersWorkflow } from '../harness/orders.ts'
import { percentile } from '../harness/samples.ts'
import type { Opened } from './throughput.ts'

const warmUpRuns = 500

/** A case that measures from trigger to completion of three steps, with the options as they are by default. */
export function idleLatency(name: string, open: () => Opened): Case {
  return {
    name,
    runs: 500,
    measure: async ({ runs, repeats }) => {
      const all: (readonly number[])[] = []
      await using opened = open()
      await using workflow = ordersWorkflow(opened.infrastructure, new Completions())
      await workflow.run()
      await latencies({ workflow, prefix: 'warm-up', runs: warmUpRuns })
      for (let i = 0; i < repeats; i++) all.push(await latencies({ workflow, prefix: `run-${i}`, runs }))
      return [50, 99, 100].map((percent) => ({
        metric: percent === 100 ? 'max' : `p${percent}`,
        unit: 'ms',
        values: all.map((sorted) => percentile(sorted, percent)),
      }))
    },
  }
}
