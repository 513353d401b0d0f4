/** What tests of ninety days with the test kit take, each repeat in a process of its own. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bench } from './harness/bench.ts'
import type { Figure } from './harness/report.ts'

const program = fileURLToPath(new URL('../packages/testing/test/kit/ninety-days.ts', import.meta.url))
/** The last of so many tests in one process finds everything warm. */
const testsUntilWarm = 8

interface Measured {
  readonly wallMs: number
  readonly cpuMs: number
}

await bench(
  'testing',
  ['invitations', 'subscriptions'].map((name) => ({
    name,
    runs: 1_000,
    measure: async ({ runs, repeats }) => ninetyDays(name, runs, repeats),
  })),
)

function ninetyDays(name: string, runs: number, repeats: number): readonly Figure[] {
  if (!existsSync(program)) throw new Error('packages/testing/test/kit/ninety-days.ts is not there')
  const processes = Array.from({ length: repeats }, () => measured(name, runs))
  const figure = (metric: string, one: (tests: readonly Measured[]) => number | undefined): Figure => ({
    metric,
    unit: 'ms',
    values: processes.map((tests) => one(tests) ?? Number.NaN),
  })
  return [
    figure('first test', (tests) => tests[0]?.wallMs),
    figure('first test, processor time', (tests) => tests[0]?.cpuMs),
    figure('later test', (tests) => tests.at(-1)?.wallMs),
    figure('later test, processor time', (tests) => tests.at(-1)?.cpuMs),
  ]
}

function measured(name: string, runs: number): readonly Measured[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, name, String(runs), String(testsUntilWarm)], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`the tests ended with code ${String(status)}\n${stdout}${stderr}`)
  // Its lines have the form of ours.
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Measured)
}
