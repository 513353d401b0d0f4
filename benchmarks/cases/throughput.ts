/** How many transitions a second, and what each costs. */
import type { Case, Size } from '../harness/bench.ts'
import type { WorkerInfrastructure } from '@workflow/core'
import { Completions } from '../harness/completions.ts'
import { type Load } from '../harness/loads.ts'
import { meter, type Reading, rssMegabytes } from '../harness/meter.ts'
import { ordersWorkflow, stepsPerRun } from '../harness/orders.ts'
import type { Figure } from '../harness/report.ts'

/** Fresh infrastructure, and its end. */
export interface Opened extends AsyncDisposable {
  readonly infrastructure: WorkerInfrastructure
}

const warmUpsMin = 2

/** A case that measures one kind of load, each repeat on fresh infrastructure. */
export function throughput(name: string, runs: number, open: () => Opened, load: (load: Load) => Promise<void>): Case {
  return {
    name,
    runs,
    measure: async ({ runs: asked, repeats }: Size) => {
      for (let i = 0; i < warmUpsMin; i++) await once(open, load, `warm-up-${i}`, Math.min(asked, runs))
      const readings: Measured[] = []
      for (let i = 0; i < repeats; i++) readings.push(await once(open, load, `run-${i}`, asked))
      return figures(readings, asked)
    },
  }
}

interface Measured extends Reading {
  readonly rss: number
}

async function once(open: () => Opened, load: (load: Load) => Promise<void>, prefix: string, runs: number): Promise<Measured> {
  const completions = new Completions()
  await using opened = open()
  await using workflow = ordersWorkflow(opened.infrastructure, completions)
  await workflow.run()
  globalThis.gc?.()
  const elapsed = meter()
  await load({ workflow, completions, prefix, runs })
  const reading = elapsed()
  return { ...reading, rss: rssMegabytes() }
}

function figures(measured: readonly Measured[], runs: number): readonly Figure[] {
  const transitions = runs * stepsPerRun
  return [
    { metric: 'throughput', unit: 'transitions/s', values: measured.map(({ wallMs }) => (transitions / wallMs) * 1_000) },
    { metric: 'processor time', unit: 'µs/transition', values: measured.map(({ cpuMs }) => (cpuMs / transitions) * 1_000) },
    { metric: 'rss', unit: 'MB', values: measured.map(({ rss }) => rss) },
  ]
}
