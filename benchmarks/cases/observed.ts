/** What instrumentations cost: each round runs all of them and none, so that what the machine does otherwise hits all alike. */
import type { Workflow } from '@workflow/core'
import type { Case, Size } from '../harness/bench.ts'
import { type Observation, observations } from '../harness/observations.ts'
import { meter, type Reading } from '../harness/meter.ts'
import { countedOrders, orderOf, type Orders, stepsPerRun } from '../harness/orders.ts'
import type { Figure } from '../harness/report.ts'
import type { Opened } from './throughput.ts'

const windowSize = 1_000

/** A case that keeps 1,000 runs in flight under each instrumentation in turn. */
export function observed(name: string, runs: number, open: () => Opened): Case {
  return {
    name,
    runs,
    measure: async ({ runs: asked, repeats }: Size) => {
      const ways = observations()
      const readings = new Map<string, Reading[]>(ways.map((way) => [way.name, []]))
      // Twice for nothing: whatever is compiled on the way is compiled then.
      for (let round = -2; round < repeats; round++) {
        for (const [place] of ways.entries()) {
          // Each is the first as often as any other.
          const way = ways[(place + Math.max(0, round)) % ways.length]
          if (way === undefined) continue
          const reading = await once(open, way, `${way.name}-${round}`, asked)
          if (round >= 0) readings.get(way.name)?.push(reading)
        }
      }
      for (const way of ways) await way.end()
      return figures(readings, asked * stepsPerRun)
    },
  }
}

async function once(open: () => Opened, { instrumentation }: Observation, prefix: string, runs: number): Promise<Reading> {
  await using opened = open()
  const counter = { handled: 0, onEach: (): void => undefined }
  await using workflow = countedOrders({ ...opened.infrastructure, ...(instrumentation && { instrumentation }) }, counter)
  await workflow.run()
  globalThis.gc?.()
  const elapsed = meter()
  await window(workflow, counter, prefix, runs)
  return elapsed()
}

/** The last handler of a run starts the next run, so that nothing has to be measured or awaited to know of it. */
async function window(
  workflow: Workflow<Orders>,
  counter: { handled: number; onEach: () => void },
  prefix: string,
  runs: number,
): Promise<void> {
  const all = Promise.withResolvers<void>()
  const last: Promise<string>[] = []
  let next = 0
  const start = (): void => {
    if (next >= runs) return
    const i = next++
    const started = workflow.trigger(`${prefix}-${i}`, { initialValue: orderOf(i) })
    if (i >= runs - windowSize) last.push(started)
    else started.catch(all.reject)
  }
  counter.onEach = () => {
    start()
    if (counter.handled === runs) all.resolve()
  }
  for (let i = 0; i < windowSize; i++) start()
  await all.promise
  // Handled, not yet committed.
  await Promise.all((await Promise.all(last)).map((runId) => workflow.awaitCompletion(runId)))
}

function figures(readings: ReadonlyMap<string, readonly Reading[]>, transitions: number): readonly Figure[] {
  const [[, without = []] = []] = readings
  return [...readings].flatMap(([name, each], place) => {
    const told: Figure[] = [
      { metric: `${name}: throughput`, unit: 'transitions/s', values: each.map(({ wallMs }) => (transitions / wallMs) * 1_000) },
      { metric: `${name}: processor time`, unit: 'µs/transition', values: each.map(({ cpuMs }) => (cpuMs / transitions) * 1_000) },
    ]
    if (place === 0) return told
    const paired = (of: (reading: Reading) => number): readonly number[] =>
      each.flatMap((reading, round) => {
        const other = without[round]
        return other === undefined ? [] : [of(reading) / of(other)]
      })
    return [
      ...told,
      { metric: `${name}: throughput lost`, unit: '%', values: paired(({ wallMs }) => wallMs).map((ratio) => (1 - 1 / ratio) * 100) },
      { metric: `${name}: processor time more`, unit: '%', values: paired(({ cpuMs }) => cpuMs).map((ratio) => (ratio - 1) * 100) },
    ]
  })
}
