/** The dashboard and the alert rules ask only for what a registry has after real runs. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { prometheus } from '../src/index.ts'
import { type ExposedMetric, parseExposition } from './exposition.ts'
import { liveFully } from './full-life.ts'
import { expressionFaults, readExpression } from './promql.ts'

const shipped = (name: string): string => readFileSync(join(import.meta.dirname, '..', name), 'utf8')

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[]
}

// Read as what it should be; what it is, the tests say.
const dashboard = JSON.parse(shipped('grafana/workflow.json')) as {
  readonly uid: string
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string; readonly query: unknown }[] }
}
const { groups } = parse(shipped('alerts.yml')) as {
  readonly groups: readonly {
    readonly name: string
    readonly rules: readonly {
      readonly alert: string
      readonly expr: string
      readonly for: string
      readonly labels: Readonly<Record<string, string>>
      readonly annotations: Readonly<Record<string, string>>
    }[]
  }[]
}
const rules = groups.flatMap((group) => group.rules)
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })))
/** As Grafana sends it. */
const sent = (expr: string): string => expr.replaceAll('$__rate_interval', '1m')

let exposed: ReadonlyMap<string, ExposedMetric> = new Map()
beforeAll(async () => {
  const registry = new Registry()
  await liveFully(prometheus({ registry }), async () => {
    // The first scrape puts counters at 0 that the second one shows.
    await registry.metrics()
    exposed = parseExposition(await registry.metrics())
  })
})

describe('the dashboard', () => {
  it.each(queries)('asks for what there is in "$title"', ({ expr, legendFormat }) => {
    expect(expressionFaults(sent(expr), exposed)).toEqual([])
    const grouped = new Set(readExpression(sent(expr)).groupings.flatMap(({ labels }) => labels))
    const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)
    expect(shown.length).toBeGreaterThan(0)
    expect(shown.filter((label) => !grouped.has(label))).toEqual([])
  })

  it('has panels with ids, titles and places of their own', () => {
    const { panels } = dashboard
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    expect(panels.every(({ title }) => title !== '')).toBe(true)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true)
    expect(panels.filter(({ type, targets = [] }) => (type === 'row') !== (targets.length === 0))).toEqual([])
  })

  it('knows every variable that it uses, and asks for values that there are', () => {
    const variables = dashboard.templating.list
    const used = [...shipped('grafana/workflow.json').matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name)
    const builtIn = ['__rate_interval', '__all']
    expect([...new Set(used)].filter((name) => !builtIn.includes(name) && !variables.some((variable) => variable.name === name))).toEqual(
      [],
    )
    const [, metric = '', label = ''] = /label_values\((\w+), (\w+)\)/.exec(JSON.stringify(variables)) ?? []
    expect(exposed.get(metric)?.samples.every(({ labels }) => label in labels)).toBe(true)
  })

  it('shows every metric', () => {
    const asked = new Set(queries.flatMap(({ expr }) => readExpression(sent(expr)).selectors.map((selector) => selector.metric)))
    const shown = [...exposed.keys()].filter((name) => ['', '_bucket', '_count'].some((suffix) => asked.has(`${name}${suffix}`)))
    expect([...exposed.keys()].filter((name) => !shown.includes(name))).toEqual([])
  })
})

describe('the alert rules', () => {
  it.each(rules)('ask for what there is in $alert', ({ expr, annotations, ...rule }) => {
    expect(expressionFaults(expr, exposed)).toEqual([])
    expect(rule.for).toMatch(/^\d+[mh]$/)
    expect(['critical', 'warning', 'info']).toContain(rule.labels['severity'])
    const grouped = new Set(readExpression(expr).groupings.flatMap(({ labels }) => labels))
    const used = Object.values(annotations).flatMap((text) => [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label))
    expect(used.filter((label) => !grouped.has(label))).toEqual([])
    expect(Object.keys(annotations).sort()).toEqual(['description', 'summary'])
  })

  it('have names of their own', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
  })
})

describe('the page on monitoring', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/monitoring.md'), 'utf8')
  const fences = [...page.matchAll(/```promql\n(.*?)```/gs)].map(([, text = '']) => text)
  const expressions = fences.flatMap((text) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#')))

  it.each(expressions)('asks for what there is by %s', (expr) => {
    expect(expressionFaults(expr, exposed)).toEqual([])
  })

  it('has something to check', () => {
    expect(expressions.length).toBeGreaterThan(2)
  })
})

describe('what checks them', () => {
  it.each([
    ['what is no PromQL', 'sum by (a (x)'],
    ['an expression that ends too early', 'max(workflow_slots) >'],
    ['nothing', ''],
  ])('refuses %s', (_, expr) => {
    expect(() => readExpression(expr)).toThrow()
  })

  it.each([
    ['workflow_slot', 'there is no workflow_slot'],
    ['sum by (run_id) (workflow_slots)', 'workflow_slots has no label run_id to group by'],
    ['workflow_slots{status="x"}', 'workflow_slots has no label status'],
    ['workflow_runs{run_state="Failed"}', 'no series of workflow_runs has run_state="Failed"'],
    ['workflow_process_error_count', 'workflow_process_error_count is a counter: take its rate'],
    ['rate(workflow_slots[5m])', 'workflow_slots is a gauge: it has no rate'],
    ['histogram_quantile(0.9, rate(workflow_store_seconds_bucket[5m]))', 'a quantile without le'],
    ['workflow_slots and on (process_name) workflow_process_lag_alert', 'process_name joins nothing'],
  ])('finds the fault in %s', (expr, fault) => {
    expect(expressionFaults(expr, exposed)).toEqual([fault])
  })
})
