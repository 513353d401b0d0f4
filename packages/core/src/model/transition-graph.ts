import type { ContractModel, ExitKind } from './definition.ts'

/** A process as data, for diagrams, user interfaces and checks. Everything is in the order of the contract. */
export interface TransitionGraph {
  readonly name: string
  readonly nodes: readonly GraphNode[]
  /** Where runs begin: the default first, then the other statuses that nothing leads to. */
  readonly starts: readonly string[]
  readonly terminals: readonly string[]
  readonly transitions: readonly Transition[]
}

/** A status and the kinds of its exits. */
export interface GraphNode {
  readonly status: string
  /** The kinds of its exits; none for a terminal status. */
  readonly exits: readonly ExitKind[]
}

/** One way from a status to another. */
export interface Transition {
  readonly from: string
  readonly to: string
  readonly kind: ExitKind
}

/** Every kind of exit, in the order in which diagrams and listings show them. */
export const exitKinds: readonly ExitKind[] = ['step', 'callback', 'timeout', 'join']

/** The statuses of a graph with their exits, as a contract's model keeps them. */
export type GraphModel = ContractModel['graph']

/** The graph of a contract, frozen. */
export function transitionGraphOf(contract: Pick<ContractModel, 'name' | 'graph'>): TransitionGraph {
  const nodes: GraphNode[] = []
  for (const [status, exits] of contract.graph) {
    nodes.push(Object.freeze({ status, exits: Object.freeze(exitKinds.filter((kind) => exits[kind] !== undefined)) }))
  }
  return Object.freeze({
    name: contract.name,
    nodes: Object.freeze(nodes),
    starts: Object.freeze(startsOf(contract.graph)),
    terminals: Object.freeze(nodes.filter((node) => node.exits.length === 0).map((node) => node.status)),
    transitions: Object.freeze(transitionsOf(contract.graph)),
  })
}

/** Every transition, by source, then kind, then the order of the destinations. */
export function transitionsOf(graph: GraphModel): Transition[] {
  const transitions: Transition[] = []
  for (const [from, exits] of graph) {
    for (const kind of exitKinds) {
      for (const to of exits[kind] ?? []) transitions.push(Object.freeze({ from, to, kind }))
    }
  }
  return transitions
}

/**
 * Where runs begin: every status with exits that no other status leads to, and if a cycle leaves none, the first status
 * with exits. Self-loops do not count. Empty only if no status has an exit.
 */
export function startsOf(graph: GraphModel): string[] {
  const entered = new Set(
    transitionsOf(graph)
      .filter(({ from, to }) => from !== to)
      .map(({ to }) => to),
  )
  const leavable = [...graph].filter(([, exits]) => exitKinds.some((kind) => exits[kind] !== undefined)).map(([status]) => status)
  const starts = leavable.filter((status) => !entered.has(status))
  return starts.length > 0 ? starts : leavable.slice(0, 1)
}

/** The statuses that no run comes by, whichever start it takes, in the order of the contract. */
export function unreachableOf(graph: GraphModel): string[] {
  const reached = new Set<string>()
  const waiting = startsOf(graph)
  for (let status = waiting.pop(); status !== undefined; status = waiting.pop()) {
    if (reached.has(status)) continue
    reached.add(status)
    const exits = graph.get(status)
    for (const kind of exitKinds) waiting.push(...(exits?.[kind] ?? []))
  }
  return [...graph.keys()].filter((status) => !reached.has(status))
}
