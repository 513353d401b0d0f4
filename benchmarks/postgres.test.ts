import { describe, expect, test } from 'vitest'
import { postgresBinaries } from '../scripts/services/postgres-binaries.ts'
import { figuresOf } from './harness/small-form.ts'

function expectPositive(figures: ReadonlyMap<string, number>, metrics: readonly string[]): void {
  for (const metric of metrics) expect([metric, figures.get(metric)]).toEqual([metric, expect.toSatisfy((value: number) => value > 0)])
}

describe.skipIf(postgresBinaries().length === 0)('a small form of each case finds its figures:', { timeout: 120_000 }, () => {
  test('stored runs', async () => {
    const figures = await figuresOf('postgres', '--case', 'stored-runs', '--runs', '300')
    expectPositive(figures, ['at 300 runs', 'database at 300 runs'])
  })

  test('calls on a large table', async () => {
    const figures = await figuresOf('postgres', '--case', 'large-table', '--runs', '200')
    expectPositive(figures, [
      'trigger, p99',
      'trigger and await, p99',
      'await a finished run, p99',
      'list the newest, p99',
      'next expiry, p50',
    ])
  })

  test('several processes, which share their slots evenly and handle nothing twice', async () => {
    const figures = await figuresOf('postgres', '--case', 'processes', '--processes', '2', '--seconds', '1')
    expectPositive(figures, ['one process', '2 processes', '2 processes, of one', '2 processes, processor time'])
    expect(figures.get('2 processes, steps handled twice')).toBe(0)
    expect([figures.get('2 processes, fewest slots of one'), figures.get('2 processes, most slots of one')]).toEqual([8, 8])
  })

  test('waiting runs and their timers', async () => {
    const figures = await figuresOf('postgres', '--case', 'waiting-runs', '--runs', '3000')
    expectPositive(figures, ['rss with waiting runs and timers', 'start to first step of a new run'])
    // Each run is a row in three tables: what is looked at is what was filled.
    expect(figures.get('database')).toBeGreaterThan(3)
  })

  test('a backlog', async () => {
    const figures = await figuresOf('postgres', '--case', 'drain', '--runs', '300')
    expectPositive(figures, ['window before', 'drain', 'rss, second half, most'])
  })

  test('load that lasts', async () => {
    const figures = await figuresOf('postgres', '--case', 'sustained', '--seconds', '1')
    expectPositive(figures, ['full load', 'slowest 10 s', 'half load, p50', 'half load, p99'])
  })

  test('churn, and what it leaves behind', async () => {
    const figures = await figuresOf('postgres', '--case', 'churn', '--seconds', '2')
    expectPositive(figures, ['0 s on', 'record: table', 'record: table, freshly written', 'record: live rows', 'event: indexes'])
    // Two of the three steps of a run change no index.
    expect(figures.get('record: updates in place (HOT)')).toBeGreaterThan(30)
  })
})
