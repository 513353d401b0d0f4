/** Reads PromQL by Prometheus's own grammar, and compares what it asks for with what a registry has. */
import { parser } from '@prometheus-io/lezer-promql'
import type { ExposedMetric } from './exposition.ts'

type Tree = ReturnType<typeof parser.parse>
type Node = Tree['topNode']

interface Matcher {
  readonly label: string
  readonly operator: string
  readonly value: string
}

interface Selector {
  readonly metric: string
  readonly matchers: readonly Matcher[]
  /** `[5m]` follows: the rate or increase of a counter. */
  readonly ranged: boolean
}

export interface Expression {
  readonly selectors: readonly Selector[]
  /** The labels of each `by (…)`, with the metrics inside. */
  readonly groupings: readonly { readonly labels: readonly string[]; readonly metrics: readonly string[] }[]
  /** The labels of each `on (…)`. */
  readonly joins: readonly string[]
}

/** Labels that Prometheus adds when it scrapes. */
const scraped: readonly string[] = ['instance', 'job']

/** Throws where the text is no PromQL. */
export function readExpression(text: string): Expression {
  const selectors: Selector[] = []
  const groupings: { labels: readonly string[]; metrics: readonly string[] }[] = []
  const joins: string[] = []
  const textOf = (node: Node): string => text.slice(node.from, node.to)
  parser.parse(text).iterate({
    enter: ({ type, node }) => {
      if (type.isError) throw new Error(`no PromQL at ${node.from} of ${text}`)
      if (type.name === 'VectorSelector') selectors.push(selectorOf(node, textOf))
      if (type.name === 'AggregateExpr') {
        const labels = all(node.getChild('AggregateModifier'), 'LabelName').map(textOf)
        groupings.push({ labels, metrics: all(node, 'VectorSelector').map((inner) => selectorOf(inner, textOf).metric) })
      }
      if (type.name === 'MatchingModifierClause') joins.push(...all(node, 'LabelName').map(textOf))
    },
  })
  if (selectors.length === 0) throw new Error(`selects nothing: ${text}`)
  return { selectors, groupings, joins }
}

function selectorOf(node: Node, textOf: (node: Node) => string): Selector {
  const name = node.getChild('Identifier')
  if (name === null) throw new Error('a selector without a name')
  const matchers = all(node, 'UnquotedLabelMatcher').map((matcher) => {
    const [label, operator, value] = ['LabelName', 'MatchOp', 'StringLiteral'].map((part) => all(matcher, part).map(textOf)[0] ?? '')
    return { label: label ?? '', operator: operator ?? '', value: (value ?? '').slice(1, -1) }
  })
  return { metric: textOf(name), matchers, ranged: node.parent?.name === 'MatrixSelector' }
}

/** Everything of this name below a node. */
function all(node: Node | null, name: string): readonly Node[] {
  const found: Node[] = []
  node?.cursor().iterate((inner) => {
    if (inner.name === name) found.push(inner.node)
  })
  return found
}

/** What an expression asks for that these metrics do not have, one line of text each. */
export function expressionFaults(text: string, exposed: ReadonlyMap<string, ExposedMetric>): readonly string[] {
  const { selectors, groupings, joins } = readExpression(text)
  const labelsOf = (name: string): ReadonlySet<string> =>
    new Set([...scraped, ...samplesOf(exposed, name).flatMap(({ labels }) => Object.keys(labels))])
  return [
    ...selectors.flatMap((selector) => selectorFaults(selector, exposed, labelsOf(selector.metric))),
    ...groupings.flatMap(({ labels, metrics }) =>
      metrics.flatMap((metric) =>
        labels.filter((label) => !labelsOf(metric).has(label)).map((label) => `${metric} has no label ${label} to group by`),
      ),
    ),
    ...joins.filter((label) => selectors.some(({ metric }) => !labelsOf(metric).has(label))).map((label) => `${label} joins nothing`),
    ...(text.includes('histogram_quantile') && !groupings.some(({ labels }) => labels.includes('le')) ? ['a quantile without le'] : []),
  ]
}

function selectorFaults(selector: Selector, exposed: ReadonlyMap<string, ExposedMetric>, labels: ReadonlySet<string>): readonly string[] {
  const { metric, matchers, ranged } = selector
  const samples = samplesOf(exposed, metric)
  if (samples.length === 0) return [`there is no ${metric}`]
  const counts = exposed.get(metric)?.type !== 'gauge'
  return [
    ...(counts === ranged ? [] : [`${metric} is ${counts ? 'a counter: take its rate' : 'a gauge: it has no rate'}`]),
    ...matchers.filter(({ label }) => !labels.has(label)).map(({ label }) => `${metric} has no label ${label}`),
    ...matchers
      .filter((matcher) => labels.has(matcher.label) && !samples.some((sample) => matches(matcher, sample.labels[matcher.label] ?? '')))
      .map(({ label, operator, value }) => `no series of ${metric} has ${label}${operator}"${value}"`),
  ]
}

function matches({ operator, value }: Matcher, given: string): boolean {
  // A variable of the dashboard may be anything.
  if (value.startsWith('$')) return true
  return operator === '=' ? given === value : operator === '=~' && new RegExp(`^(?:${value})$`).test(given)
}

function samplesOf(exposed: ReadonlyMap<string, ExposedMetric>, name: string): ExposedMetric['samples'] {
  return [...exposed.values()].flatMap(({ samples }) => samples.filter((sample) => sample.name === name))
}
