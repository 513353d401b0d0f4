import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { natsBinary } from '../scripts/services/nats-binaries.ts'
import { postgresBinaries } from '../scripts/services/postgres-binaries.ts'

const program = fileURLToPath(new URL('streams.ts', import.meta.url))

interface Line {
  readonly metric: string
  readonly value: number
}

/** What the cases find in their small form, by metric. */
async function figuresOf(...args: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const all = ['--conditions=@workflow/source', '--expose-gc', program, ...args, '--repeats', '1', '--json']
  // The Postgres that tests use is not durable, and this measures as users would.
  const child = spawn(process.execPath, all, { env: { ...process.env, WORKFLOW_TEST_POSTGRES_URL: undefined } })
  const said = { out: '', errors: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.errors += text))
  const [code]: unknown[] = await once(child, 'close')
  expect({ errors: said.errors, code }).toEqual({ errors: '', code: 0 })
  const lines = said.out.trim().split('\n')
  // Every line is one that the benchmark prints.
  return new Map(lines.map((line) => JSON.parse(line) as Line).map(({ metric, value }) => [metric, value]))
}

describe.skipIf(natsBinary() === undefined)('a small form of the cases finds its figures on NATS', { timeout: 120_000 }, () => {
  test('throughput, beside the bare client', async () => {
    const figures = await figuresOf('--adapter', 'nats', '--case', 'throughput', '--runs', '2000')
    for (const metric of [
      'adapter',
      'bare client, a message per event',
      'bare client, 50 events per message',
      'adapter as part of the bare client',
    ])
      expect([metric, figures.get(metric)]).toEqual([metric, expect.toSatisfy((value: number) => value > 0)])
  })

  test('latency, and what idleness costs', async () => {
    const figures = await figuresOf('--adapter', 'nats', '--case', 'idle-latency,idle', '--runs', '20', '--seconds', '1')
    expect(figures.get('one hop, p50')).toBeGreaterThan(0)
    expect(figures.get('processor, server')).toBeGreaterThanOrEqual(0)
    expect(figures.get('memory more, server')).toBeGreaterThan(0)
  })

  test.skipIf(postgresBinaries().length === 0)('the engine, beside the same on Postgres alone', async () => {
    const figures = await figuresOf('--adapter', 'nats', '--case', 'engine', '--runs', '200')
    for (const way of ['Postgres', 'Postgres and nats'])
      for (const metric of ['to the last commit', 'to the last event handled', 'processor time'])
        expect([way, metric, figures.get(`${way}: ${metric}`)]).toEqual([way, metric, expect.toSatisfy((value: number) => value > 0)])
    // Handled comes after committed, and what is compared is what stands above it.
    for (const metric of ['to the last commit', 'to the last event handled']) {
      const [alone = 0, both = 0] = ['Postgres', 'Postgres and nats'].map((way) => figures.get(`${way}: ${metric}`))
      expect(figures.get(`Postgres and nats: ${metric}, of Postgres`)).toBeCloseTo((both / alone) * 100, 1)
    }
    const [committed = 0, handled = 0] = ['commit', 'event handled'].map((end) => figures.get(`Postgres and nats: to the last ${end}`))
    expect(handled).toBeLessThan(committed)
  })
})
