import { expect, test } from 'vitest'
import { complaints, type Outcome } from './contest.ts'
import { figuresOf, latencyTable, ratios, throughputTable } from './standings.ts'

const outcome: Outcome = {
  name: 'dbos',
  facts: { version: 'dbos 1', promise: 'at least once', commits: 'its result', settings: 'none', observed: 'a reply' },
  burstPerSecond: 410.2,
  windowPerSecond: 400,
  window: 100,
  backToBack: { p50: 8, p95: 9.5, p99: 20.25 },
  paced: { p50: 9, p95: 12, p99: 30 },
  halfLoad: { p50: 10, p95: 20, p99: 250.4 },
  clientCpuSeconds: 1.5,
  serverCpuSeconds: undefined,
  rssBytes: 150e6,
  databaseBytes: 1_300,
  logBytes: 4_600,
  audit: { runs: 10, completed: 10, unfinished: 0, missed: 0, repeated: 0 },
}

test('the tables have a line for each, with what cannot be measured marked', () => {
  const lines = throughputTable([outcome]).split('\n')
  expect(lines[2]).toMatch(/^dbos +410 +400 +100 +1\.50 +\? +150 +1,300 +4,600 +each step once$/)
  expect(latencyTable([outcome]).split('\n')[2]).toMatch(/^dbos +8 +9\.50 +20\.3 +9 +12 +30 +10 +20 +250$/)
})

test('JSON has every figure that was measured', () => {
  const metrics = figuresOf(outcome).map(({ metric }) => metric)
  expect(metrics).toContain('latency at half load p99')
  expect(metrics).not.toContain('server cpu')
  expect(figuresOf({ ...outcome, serverCpuSeconds: 3 })).toContainEqual({ metric: 'server cpu', unit: 's/1000 runs', values: [3] })
})

test('ours is compared with the best engine, the best queue and the ceiling on Postgres', () => {
  const of = (name: string, windowPerSecond: number): Outcome => ({ ...outcome, name, windowPerSecond })
  const all = [of('workflow', 8_000), of('raw-sql', 16_000), of('dbos', 400), of('absurd', 500), of('pg-boss', 2_000), of('bullmq', 9_000)]
  expect(ratios(all)).toEqual([
    'workflow does 16 times the runs of absurd, the best engine on Postgres',
    'workflow does 4 times the runs of pg-boss, the best queue on Postgres',
    'workflow does 50 % of the runs of raw-sql',
  ])
  expect(ratios([of('dbos', 400)])).toEqual([])
})

test('a contender that loses runs or steps is told so', () => {
  const audit = { runs: 10, completed: 9, unfinished: 1, missed: 2, repeated: 0 }
  expect(complaints({ ...outcome, audit })).toEqual([
    '9 completions were told of 10 runs',
    'its storage holds 1 runs that are not completed',
    '2 steps were never called',
  ])
  expect(throughputTable([{ ...outcome, audit }])).toContain('WRONG')
})

test('a repeated step is a fault only where it was promised to come once', () => {
  const audit = { ...outcome.audit, repeated: 3 }
  expect(complaints({ ...outcome, audit })).toEqual([])
  expect(throughputTable([{ ...outcome, audit }])).toContain('3 steps again')
  expect(complaints({ facts: { ...outcome.facts, promise: 'exactly once' }, audit })).toEqual(['3 steps were called again'])
})
