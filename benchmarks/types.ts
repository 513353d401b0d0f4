/** What a large workflow costs the compilers: the measurement is that of core's type tests. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bench } from './harness/bench.ts'
import type { Figure } from './harness/report.ts'

const measure = fileURLToPath(new URL('../packages/core/test/types/measure.ts', import.meta.url))

interface Measured {
  readonly case: string
  readonly metric: string
  readonly value: number
  readonly unit: string
}

await bench('types', [{ name: 'compilers', runs: 1, measure: async () => compilers() }])

function compilers(): readonly Figure[] {
  if (!existsSync(measure)) throw new Error('packages/core/test/types/measure.ts is not there')
  const { status, stdout, stderr } = spawnSync(process.execPath, [measure], { encoding: 'utf8', maxBuffer: 2 ** 24 })
  if (status !== 0) throw new Error(`measuring ended with code ${String(status)}\n${stdout}${stderr}`)
  // Its lines have the form of ours.
  const lines = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Measured)
  return lines.map(({ case: name, metric, value, unit }) => ({ metric: `${name}: ${metric}`, unit, values: [value] }))
}
