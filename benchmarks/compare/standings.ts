/** What is printed: a table of throughput and cost, one of latencies, what stands behind the names, and how they compare. */
import type { Figure } from '../harness/report.ts'
import { complaints, type Latency, type Outcome, pacePerSecond } from './contest.ts'
import { ceiling, entrants, ours } from './entrants.ts'

/** One figure per metric, for those who read JSON. */
export function figuresOf(outcome: Outcome): readonly Figure[] {
  const one = (metric: string, unit: string, value: number): Figure => ({ metric, unit, values: [value] })
  const three = (when: string, { p50, p95, p99 }: Latency): Figure[] => [
    one(`latency ${when} p50`, 'ms', p50),
    one(`latency ${when} p95`, 'ms', p95),
    one(`latency ${when} p99`, 'ms', p99),
  ]
  return [
    one('burst', 'runs/s', outcome.burstPerSecond),
    one('window', 'runs/s', outcome.windowPerSecond),
    one('window size', 'runs', outcome.window),
    ...three('back to back', outcome.backToBack),
    ...three(`at ${pacePerSecond}/s`, outcome.paced),
    ...three('at half load', outcome.halfLoad),
    one('client cpu', 's/1000 runs', outcome.clientCpuSeconds),
    ...(outcome.serverCpuSeconds === undefined ? [] : [one('server cpu', 's/1000 runs', outcome.serverCpuSeconds)]),
    one('client rss', 'bytes', outcome.rssBytes),
    one('database', 'bytes/run', outcome.databaseBytes),
    one('log', 'bytes/run', outcome.logBytes),
    one('runs', 'runs', outcome.audit.runs),
    one('unfinished', 'runs', outcome.audit.unfinished),
    one('missed', 'steps', outcome.audit.missed),
    one('repeated', 'steps', outcome.audit.repeated),
  ]
}

export function throughputTable(outcomes: readonly Outcome[]): string {
  return table([
    ['', 'burst', 'window', 'in flight', 'client cpu', 'server cpu', 'client rss', 'database', 'log', 'audit'],
    ['', 'runs/s', 'runs/s', '', 's/1,000 runs', 's/1,000 runs', 'MB', 'B/run', 'B/run', ''],
    ...outcomes.map((each) => [
      each.name,
      shown(each.burstPerSecond),
      shown(each.windowPerSecond),
      shown(each.window),
      shown(each.clientCpuSeconds),
      each.serverCpuSeconds === undefined ? '?' : shown(each.serverCpuSeconds),
      shown(each.rssBytes / 1e6),
      shown(each.databaseBytes),
      shown(each.logBytes),
      auditOf(each),
    ]),
  ])
}

export function latencyTable(outcomes: readonly Outcome[]): string {
  const three = ({ p50, p95, p99 }: Latency): string[] => [shown(p50), shown(p95), shown(p99)]
  return table([
    ['', 'back to back', '', '', `at ${pacePerSecond}/s`, '', '', 'at half load', '', ''],
    ['ms', 'p50', 'p95', 'p99', 'p50', 'p95', 'p99', 'p50', 'p95', 'p99'],
    ...outcomes.map((each) => [each.name, ...three(each.backToBack), ...three(each.paced), ...three(each.halfLoad)]),
  ])
}

/** A paragraph for each: what was measured, how it was set, and what it promises. */
export function factsOf(outcomes: readonly Outcome[]): string {
  return outcomes
    .map(({ name, facts }) =>
      [
        `${name}: ${facts.version}`,
        `  a step commits  ${facts.commits}`,
        `  promises        ${facts.promise}`,
        `  settings        ${facts.settings}`,
        `  completion      ${facts.observed}`,
      ].join('\n'),
    )
    .join('\n')
}

/** Ours beside the best engine and the best queue on Postgres, and beside the ceiling; without those that were not measured. */
export function ratios(outcomes: readonly Outcome[]): readonly string[] {
  const mine = outcomes.find(({ name }) => name === ours)
  if (mine === undefined) return []
  const lines: string[] = []
  for (const sort of ['engine', 'queue'] as const) {
    const names = entrants.filter(({ peer, server }) => peer === sort && server === 'postgres').map(({ name }) => name)
    const [best] = outcomes.filter(({ name }) => names.includes(name)).toSorted((a, b) => b.windowPerSecond - a.windowPerSecond)
    if (best === undefined) continue
    const times = shown(mine.windowPerSecond / best.windowPerSecond)
    lines.push(`${ours} does ${times} times the runs of ${best.name}, the best ${sort} on Postgres`)
  }
  const top = outcomes.find(({ name }) => name === ceiling)
  if (top !== undefined) lines.push(`${ours} does ${shown((mine.windowPerSecond / top.windowPerSecond) * 100)} % of the runs of ${ceiling}`)
  return lines
}

function auditOf(outcome: Outcome): string {
  if (complaints(outcome).length > 0) return 'WRONG'
  return outcome.audit.repeated === 0 ? 'each step once' : `${outcome.audit.repeated} steps again`
}

function table(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function shown(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: Number.isInteger(value) ? 0 : digits })
}
