/**
 * What instrumentations cost: an engine without any, and one with each, every one a process of its own as in production. They take
 * turns in slices of a fraction of a second, so that what the machine does otherwise hits all alike.
 */
import type { Case } from '../harness/bench.ts'
import { Child } from '../harness/child.ts'
import { stepsPerRun } from '../harness/orders.ts'
import type { Figure } from '../harness/report.ts'
import type { Reading } from '../processes/observed.ts'

const window = 500
const runsPerSlice = 1_500
const warmUps = 6

/** A repeat takes as many slices of each as `runs` needs, and compares their sums with those of the first of the names. */
export function observed(name: string, store: 'sqlite' | 'memory', names: readonly string[], runs: number): Case {
  return {
    name,
    runs,
    measure: async ({ runs: asked, repeats }) => {
      await using stack = new AsyncDisposableStack()
      const engines = names.map((name) => ({ name, child: stack.use(new Child('observed', [store, name, String(window)])) }))
      for (const { child } of engines) await child.next()
      const slice = async (child: Child): Promise<Reading> => {
        child.say(String(Math.min(runsPerSlice, asked)))
        return await child.next<Reading>()
      }
      const count = Math.ceil(asked / runsPerSlice)
      for (let i = 0; i < warmUps; i++) for (const { child } of engines) await slice(child)
      const sums = new Map<string, Reading[]>(engines.map(({ name }) => [name, []]))
      for (let repeat = 0; repeat < repeats; repeat++) {
        const readings = new Map<string, Reading[]>(engines.map(({ name }) => [name, []]))
        for (let i = 0; i < count; i++) {
          for (const place of engines.keys()) {
            // Each is the first as often as any other.
            const engine = engines[(place + i) % engines.length]
            if (engine !== undefined) readings.get(engine.name)?.push(await slice(engine.child))
          }
        }
        for (const [name, each] of readings) sums.get(name)?.push(sumOf(each))
      }
      for (const { child } of engines) await child.end()
      return figures(sums, count * Math.min(runsPerSlice, asked) * stepsPerRun)
    },
  }
}

function sumOf(readings: readonly Reading[]): Reading {
  return {
    wallMs: readings.reduce((sum, { wallMs }) => sum + wallMs, 0),
    cpuMs: readings.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
  }
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
      each.flatMap((reading, repeat) => {
        const other = without[repeat]
        return other === undefined ? [] : [of(reading) / of(other)]
      })
    return [
      ...told,
      { metric: `${name}: throughput lost`, unit: '%', values: paired(({ wallMs }) => wallMs).map((ratio) => (1 - 1 / ratio) * 100) },
      { metric: `${name}: processor time more`, unit: '%', values: paired(({ cpuMs }) => cpuMs).map((ratio) => (ratio - 1) * 100) },
    ]
  })
}
