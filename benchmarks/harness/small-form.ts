/** Benchmarks as their tests call them: once, small, and for their figures only. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

interface Line {
  readonly metric: string
  readonly value: number
}

/** What a benchmark of this folder finds, by metric. Throws what it says where it fails or complains. */
export async function figuresOf(benchmark: string, ...args: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const program = fileURLToPath(new URL(`../${benchmark}.ts`, import.meta.url))
  // kafkajs by hand asks for timers in the past, of which Node 24 warns.
  const all = [
    '--conditions=@workflow/source',
    '--expose-gc',
    '--disable-warning=TimeoutNegativeWarning',
    program,
    ...args,
    '--repeats',
    '1',
    '--json',
  ]
  // The Postgres that tests use is not durable, and this measures as users would; but nobody is to lose a role because other tests are at work.
  const env = { ...process.env, WORKFLOW_TEST_POSTGRES_URL: undefined, WORKFLOW_BENCH_LEASE: '30s' }
  const child = spawn(process.execPath, all, { env })
  const said = { out: '', errors: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.errors += text))
  const [code]: unknown[] = await once(child, 'close')
  if (code !== 0 || said.errors !== '') throw new Error(`${benchmark} ${args.join(' ')} ended with ${String(code)}: ${said.errors}`)
  // Every line is one that the benchmark prints.
  const lines = said.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  return new Map(lines.map(({ metric, value }) => [metric, value]))
}
