/** Coverage for people: text with what is missing, and the graph as Mermaid with the untaken edges marked. */
import { type Coverage, keyOfTransition, type WorkflowCoverage } from './coverage.ts'

/** How much of something was covered. */
export interface Share {
  readonly covered: number
  readonly of: number
  /** Rounded down to whole ones; 100 where there is nothing to cover. */
  readonly percent: number
}

/** The shares of one workflow. */
export interface Shares {
  readonly transitions: Share
  readonly timeouts: Share
  readonly errors: Share
}

/** The least shares, in percent, that a workflow must have; what is absent may be anything. */
export interface CoverageThreshold {
  readonly transitions?: number
  readonly timeouts?: number
  readonly errors?: number
}

export function sharesOf({ transitions, timeouts, errors }: WorkflowCoverage): Shares {
  return {
    transitions: share(transitions, ({ taken }) => taken > 0),
    timeouts: share(timeouts, ({ fired }) => fired > 0),
    errors: share(errors, ({ failed }) => failed > 0),
  }
}

function share<T>(all: readonly T[], isCovered: (item: T) => boolean): Share {
  const covered = all.filter(isCovered).length
  return { covered, of: all.length, percent: all.length === 0 ? 100 : Math.floor((100 * covered) / all.length) }
}

const parts = ['transitions', 'timeouts', 'errors'] as const
const partNames = { transitions: 'transitions', timeouts: 'timeouts', errors: 'error paths' } as const

/** What is below the threshold, one line each; none when all is well. Throws `RangeError` for what is no percentage. */
export function coverageFaults(coverage: Coverage, threshold: CoverageThreshold): readonly string[] {
  for (const part of parts) {
    const least = threshold[part]
    if (least !== undefined && !(least >= 0 && least <= 100))
      throw new RangeError(`the threshold of ${partNames[part]} must be a percentage, 0 to 100; got ${String(least)}`)
  }
  return coverage.workflows.flatMap((each) => {
    const shares = sharesOf(each)
    return parts.flatMap((part) => {
      const least = threshold[part]
      const { covered, of, percent } = shares[part]
      return least === undefined || percent >= least
        ? []
        : [`${each.workflow}: ${covered} of ${of} ${partNames[part]} are covered, ${percent} %, and ${least} % is the least`]
    })
  })
}

/** A paragraph per workflow: its shares, then everything that no test took. */
export function coverageText(coverage: Coverage): string {
  return coverage.workflows.map(textOf).join('\n')
}

function textOf(workflow: WorkflowCoverage): string {
  const shares = sharesOf(workflow)
  const { transitions, timeouts, errors, runs, kits, unstopped } = workflow
  const lines = [
    `${workflow.workflow}: ${parts.map((part) => `${shares[part].covered} of ${shares[part].of} ${partNames[part]} (${shares[part].percent} %)`).join(', ')}, by ${counted(runs, 'run')} in ${counted(kits, 'kit')}`,
    ...transitions.filter(({ taken }) => taken === 0).map(({ from, kind, to }) => `  not taken     ${kind} ${from} -> ${to}`),
    ...transitions
      .filter(({ taken, mocked }) => taken > 0 && taken === mocked)
      .map(({ from, kind, to }) => `  by mocks only ${kind} ${from} -> ${to}`),
    ...timeouts.filter(({ fired }) => fired === 0).map(({ status, name }) => `  never fired   timeout '${name}' of ${status}`),
    ...errors.filter(({ failed }) => failed === 0).map(({ handler }) => `  never failed  ${handler}`),
    ...(unstopped === 0
      ? []
      : [`  never stopped ${counted(unstopped, 'kit')}: what was done there is not counted; use await using, or kit.stop()`]),
  ]
  return `${lines.join('\n')}\n`
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

/**
 * A Mermaid flowchart per workflow. What tests took is solid and says how often; what none took is dashed, red, and says so.
 * Several workflows become several charts, apart by an empty line.
 */
export function coverageMermaid(coverage: Coverage): string {
  return coverage.workflows.map(chartOf).join('\n')
}

function chartOf({ workflow, graph, transitions }: WorkflowCoverage): string {
  const ids = new Map(graph.nodes.map(({ status }, place) => [status, `s${place + 1}`]))
  const taken = new Map(transitions.map((transition) => [keyOfTransition(transition), transition.taken]))
  const untaken: number[] = []
  const edges = graph.transitions.map((transition, place) => {
    const times = taken.get(keyOfTransition(transition)) ?? 0
    if (times === 0) untaken.push(place)
    const arrow = times === 0 ? `-. "${transition.kind}: not taken" .->` : `-- "${transition.kind}: ${times}" -->`
    return `  ${ids.get(transition.from)} ${arrow} ${ids.get(transition.to)}`
  })
  return [
    '---',
    `title: ${JSON.stringify(workflow)}`,
    '---',
    'flowchart TB',
    ...graph.nodes.map(
      ({ status }) => `  ${ids.get(status)}${graph.terminals.includes(status) ? `(["${label(status)}"])` : `["${label(status)}"]`}`,
    ),
    ...edges,
    ...(untaken.length === 0 ? [] : [`  linkStyle ${untaken.join(',')} stroke:#c00,color:#c00`]),
    '',
  ].join('\n')
}

/** Mermaid reads `#…;` as an entity: what would end or change a label is written as one. */
function label(text: string): string {
  return text.replace(/["#;<>&\\]/g, (mark) => `#${mark.charCodeAt(0)};`)
}
