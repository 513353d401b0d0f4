import type { ExitKind } from './definition.ts'
import type { Transition, TransitionGraph } from './transition-graph.ts'

/** Where a diagram's first status is, and where it grows to: top to bottom, left to right, and their opposites. */
export type DiagramDirection = 'TB' | 'LR' | 'RL' | 'BT'

/** How a diagram is drawn. */
export interface DiagramOptions {
  /** @default 'TB' */
  readonly direction?: DiagramDirection
}

export const diagramDirections: readonly DiagramDirection[] = ['TB', 'LR', 'RL', 'BT']

// A step needs no word: it is what a status does by itself.
const labels: { readonly [Kind in ExitKind]: string } = { step: '', callback: 'callback', timeout: 'timeout', join: 'children finished' }

/**
 * Mermaid `stateDiagram-v2` text. An exit with several destinations goes through a choice node; callbacks, timeouts and
 * joins are written on their arrows. Ids are made up (`s1`, `s2`, …), so that any status name is legal; names are labels.
 */
export function mermaid(graph: TransitionGraph, options: DiagramOptions = {}): string {
  const ids = new Map(graph.nodes.map((node, index) => [node.status, `s${index + 1}`]))
  const idOf = (status: string): string => ids.get(status) ?? status
  const lines = ['stateDiagram-v2', `  direction ${options.direction ?? 'TB'}`]
  for (const { status } of graph.nodes) lines.push(`  state "${escaped(status)}" as ${idOf(status)}`)
  for (const start of graph.starts) lines.push(`  [*] --> ${idOf(start)}`)
  for (const { status, exits } of graph.nodes) {
    for (const kind of exits) lines.push(...exitLines(idOf(status), kind, destinations(graph.transitions, status, kind).map(idOf)))
  }
  for (const terminal of graph.terminals) lines.push(`  ${idOf(terminal)} --> [*]`)
  return `${lines.join('\n')}\n`
}

function exitLines(from: string, kind: ExitKind, to: readonly string[]): string[] {
  const label = labels[kind] === '' ? '' : ` : ${labels[kind]}`
  const [only, ...more] = to
  if (more.length === 0) return [`  ${from} --> ${only}${label}`]
  const choice = `${from}_${kind}`
  return [`  state ${choice} <<choice>>`, `  ${from} --> ${choice}${label}`, ...to.map((id) => `  ${choice} --> ${id}`)]
}

function destinations(transitions: readonly Transition[], from: string, kind: ExitKind): string[] {
  return transitions.filter((transition) => transition.from === from && transition.kind === kind).map(({ to }) => to)
}

/** Mermaid reads `#…;` as an entity: what would end or change a label is written as one. */
function escaped(label: string): string {
  return label.replace(/["#;<>&\\]/g, (mark) => `#${mark.charCodeAt(0)};`)
}
