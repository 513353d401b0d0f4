import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { postgresBinaries } from '../../scripts/services/postgres-binaries.ts'

const command = fileURLToPath(new URL('../compare.ts', import.meta.url))

interface Line {
  readonly case: string
  readonly metric: string
  readonly value: number
}

/** Runs the command; what it prints on each stream, and its exit code. */
async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<{ out: string; errors: string; code: unknown }> {
  // The server that tests use is not durable, and measurements refuse it.
  const child = spawn(process.execPath, [command, ...args], { env: { ...process.env, WORKFLOW_TEST_POSTGRES_URL: undefined, ...env } })
  const said = { out: '', errors: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.errors += text))
  const [code]: unknown[] = await once(child, 'close')
  return { ...said, code }
}

test.skipIf(postgresBinaries().length === 0)(
  'the ceiling is measured on a server of its own, with every figure and nothing wrong',
  { timeout: 120_000 },
  async () => {
    const { out, errors, code } = await run(['--peers', 'raw-sql', '--runs', '20', '--seconds', '1', '--windows', '5', '--json'])
    expect({ errors, code }).toEqual({ errors: '', code: 0 })
    const lines = out.trim().split('\n')
    // Every line is one that the command prints.
    const figures = new Map(lines.map((line) => JSON.parse(line) as Line).map(({ metric, value }) => [metric, value]))
    expect(figures.get('unfinished')).toBe(0)
    expect(figures.get('missed')).toBe(0)
    expect(figures.get('repeated')).toBe(0)
    for (const metric of ['burst', 'window', 'latency back to back p50', 'latency at half load p99', 'client cpu', 'client rss', 'log'])
      expect([metric, figures.get(metric)]).toEqual([metric, expect.toSatisfy((value: number) => value > 0)])
  },
)

test('what it is asked wrongly it says, and measures nothing', { timeout: 30_000 }, async () => {
  const { out, errors, code } = await run(['--peers', 'nobody'])
  expect(errors).toContain("there is no peer 'nobody': choose of workflow, raw-sql, dbos,")
  expect({ out, code }).toEqual({ out: '', code: 1 })
})

test('a server that is not there is an error, and a failure of the command', { timeout: 30_000 }, async () => {
  const { errors, code } = await run(['--peers', 'raw-sql', '--json'], {
    WORKFLOW_TEST_POSTGRES_URL: 'postgres://postgres@127.0.0.1:1/postgres',
  })
  expect(errors).toMatch(/^raw-sql failed: .*ECONNREFUSED/)
  expect(code).toBe(1)
})
