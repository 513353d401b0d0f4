import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { postgresBinaries } from '../scripts/services/postgres-binaries.ts'

const program = fileURLToPath(new URL('postgres.ts', import.meta.url))

interface Line {
  readonly case: string
  readonly metric: string
  readonly value: number
}

/** What a case finds, by metric. */
async function figuresOf(name: string, ...sizes: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const args = ['--conditions=@workflow/source', '--expose-gc', program, '--case', name, '--repeats', '1', '--json', ...sizes]
  // The server that tests use is not durable, and this measures as users would.
  const child = spawn(process.execPath, args, { env: { ...process.env, WORKFLOW_TEST_POSTGRES_URL: undefined } })
  const said = { out: '', errors: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.errors += text))
  const [code]: unknown[] = await once(child, 'close')
  expect({ errors: said.errors, code }).toEqual({ errors: '', code: 0 })
  const lines = said.out.trim().split('\n')
  // Every line is one that the benchmark prints.
  return new Map(lines.map((line) => JSON.parse(line) as Line).map(({ metric, value }) => [metric, value]))
}

function expectPositive(figures: ReadonlyMap<string, number>, metrics: readonly string[]): void {
  for (const metric of metrics) expect([metric, figures.get(metric)]).toEqual([metric, expect.toSatisfy((value: number) => value > 0)])
}

describe.skipIf(postgresBinaries().length === 0)('a small form of each case finds its figures:', { timeout: 120_000 }, () => {
  test('stored runs', async () => {
    const figures = await figuresOf('stored-runs', '--runs', '300')
    expectPositive(figures, ['at 300 runs', 'database at 300 runs'])
  })

  test('calls on a large table', async () => {
    const figures = await figuresOf('large-table', '--runs', '200')
    expectPositive(figures, [
      'trigger, p99',
      'trigger and await, p99',
      'await a finished run, p99',
      'list the newest, p99',
      'next expiry, p50',
    ])
  })

  test('several processes, which share their slots evenly and handle nothing twice', async () => {
    const figures = await figuresOf('processes', '--processes', '2', '--seconds', '1')
    expectPositive(figures, ['one process', '2 processes', '2 processes, of one', '2 processes, processor time'])
    expect(figures.get('2 processes, steps handled twice')).toBe(0)
    expect([figures.get('2 processes, fewest slots of one'), figures.get('2 processes, most slots of one')]).toEqual([8, 8])
  })

  test('waiting runs and their timers', async () => {
    const figures = await figuresOf('waiting-runs', '--runs', '3000')
    expectPositive(figures, ['rss with waiting runs and timers', 'start to first step of a new run'])
    // Each run is a row in three tables: what is looked at is what was filled.
    expect(figures.get('database')).toBeGreaterThan(3)
  })

  test('a backlog', async () => {
    const figures = await figuresOf('drain', '--runs', '300')
    expectPositive(figures, ['window before', 'drain', 'rss, second half, most'])
  })

  test('load that lasts', async () => {
    const figures = await figuresOf('sustained', '--seconds', '1')
    expectPositive(figures, ['full load', 'slowest 10 s', 'half load, p50', 'half load, p99'])
  })

  test('churn, and what it leaves behind', async () => {
    const figures = await figuresOf('churn', '--seconds', '2')
    expectPositive(figures, ['0 s on', 'record: table', 'record: table, freshly written', 'record: live rows', 'event: indexes'])
    // Two of the three steps of a run change no index.
    expect(figures.get('record: updates in place (HOT)')).toBeGreaterThan(30)
  })
})
