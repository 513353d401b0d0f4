import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { postgresBinaries } from '../scripts/services/postgres-binaries.ts'

const program = fileURLToPath(new URL('webui.ts', import.meta.url))

interface Line {
  readonly metric: string
  readonly value: number
}

/** What a case finds, by metric. */
async function figuresOf(...args: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const child = spawn(process.execPath, ['--conditions=@workflow/source', program, ...args, '--repeats', '1', '--json'], {
    env: { ...process.env, WORKFLOW_TEST_POSTGRES_URL: undefined },
  })
  const said = { out: '', errors: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.errors += text))
  const [code]: unknown[] = await once(child, 'close')
  expect({ errors: said.errors, code }).toEqual({ errors: '', code: 0 })
  // Every line is one that the benchmark prints.
  const lines = said.out.trim().split('\n')
  return new Map(lines.map((line) => JSON.parse(line) as Line).map(({ metric, value }) => [metric, value]))
}

describe.skipIf(postgresBinaries().length === 0)('a small form of the cases finds its figures:', { timeout: 120_000 }, () => {
  test.each(['api-sqlite', 'api-postgres'])('%s, whose requests find the runs that were filled in', async (name) => {
    const figures = await figuresOf('--case', name, '--runs', '400')
    for (const kind of ['dashboard', 'runs unfiltered', 'runs foreign id', 'run history', 'run, all at once', 'workflow', 'analytics'])
      for (const metric of ['first', 'p50', 'p95', 'max'])
        expect([kind, metric, figures.get(`${kind}, ${metric}`)]).toEqual([kind, metric, expect.toSatisfy((value: number) => value > 0)])
  })

  test('live, whose viewers see every change', async () => {
    const figures = await figuresOf('--case', 'live', '--seconds', '1')
    for (const way of ['served by another process', 'served by its own process']) {
      expect(figures.get(`${way}: paced, kept`)).toBeGreaterThan(0)
      expect(figures.get(`${way}: paced, changes sent`)).toBeGreaterThan(20)
      expect(figures.get(`${way}: paced, answers asked for`)).toBeGreaterThan(0)
    }
  })
})
