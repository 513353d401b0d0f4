/** The page on monitoring has every metric as the list has it, and something to do for every alert and row of the dashboard. */
import { metricList, type MetricSpec } from '@workflow/core/adapter'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

const root = join(import.meta.dirname, '../../..')
const page = readFileSync(join(root, 'docs/monitoring.md'), 'utf8')
const shipped = (name: string): string => readFileSync(join(import.meta.dirname, '..', name), 'utf8')

/** What the table says of a metric. */
function rowOf({ name, kind, unit, labels, description, of }: MetricSpec): string {
  const shown = unit === undefined ? kind : `${kind}, ${unit}`
  const others = labels.filter((label) => label !== 'workflow_name').map((label) => `\`${label}\``)
  return `| \`${name}\` | ${shown} | ${others.join(' ')} | ${description} | ${of} |`
}

/** A section with its text. */
function section(heading: string): string | undefined {
  const at = page.indexOf(`\n${heading}\n`)
  if (at < 0) return undefined
  const from = at + heading.length + 2
  const level = /^#+/.exec(heading)?.[0].length ?? 0
  const end = page.slice(from).search(new RegExp(`^#{1,${level}} `, 'm'))
  return page.slice(from, end < 0 ? undefined : from + end)
}

test('the table of metrics is the list of metrics', () => {
  const rows = (section('## Metrics') ?? '').split('\n').filter((line) => line.startsWith('| `workflow_'))
  expect(rows).toEqual(metricList.map(rowOf))
})

test('no other page and no README has a table of its own', () => {
  for (const path of ['docs/deployment.md', 'packages/prometheus/README.md', 'packages/opentelemetry/README.md'])
    expect([path, readFileSync(join(root, path), 'utf8').match(/^\| `workflow_/gm)]).toEqual([path, null])
})

test('for every alert the page says what it means and what to do, and for no other', () => {
  // The cast holds because another test reads the same file by Prometheus's grammar.
  const { groups } = parse(shipped('alerts.yml')) as { groups: { rules: { alert: string; labels: { severity: string } }[] }[] }
  const rules = groups.flatMap((group) => group.rules)
  const alerts = section('## Alerts') ?? ''
  expect([...alerts.matchAll(/^### (\w+)$/gm)].map(([, name]) => name)).toEqual(rules.map(({ alert }) => alert))
  for (const { alert, labels } of rules) {
    const text = section(`### ${alert}`) ?? ''
    for (const part of [`*${labels.severity}.*`, '*Look:*', '*Do:*']) expect([alert, text.includes(part)]).toEqual([alert, true])
  }
})

test('every row of the dashboard is explained', () => {
  const { panels } = JSON.parse(shipped('grafana/workflow.json')) as { panels: { type: string; title: string }[] }
  const rows = panels.filter(({ type }) => type === 'row').map(({ title }) => title)
  const text = section('### The dashboard') ?? ''
  expect([...text.matchAll(/^\| ([A-Z][^|]*?) \|/gm)].map(([, title]) => title).filter((title) => title !== 'Row')).toEqual(rows)
})
