/** Finds the edges that close a cycle, so that the rest of a graph can be laid out in layers. */

/** An edge between nodes, which are numbers from 0. */
export interface Edge {
  readonly from: number
  readonly to: number
}

/** Which edges lead back, by their place in `edges`. Nodes are walked from `roots` first, then in their order: always the same way. */
export function backEdges(nodeCount: number, edges: readonly Edge[], roots: readonly number[]): ReadonlySet<number> {
  const outgoing = outgoingOf(nodeCount, edges)
  const state = new Uint8Array(nodeCount)
  const back = new Set<number>()
  const order = [...roots, ...Array.from({ length: nodeCount }, (_, i) => i)]
  for (const root of order) if (state[root] === unseen) walk(root, outgoing, edges, state, back)
  return back
}

const unseen = 0
const open = 1
const closed = 2

/** Without recursion: a chain may be longer than the stack is deep. */
function walk(root: number, outgoing: readonly (readonly number[])[], edges: readonly Edge[], state: Uint8Array, back: Set<number>): void {
  const stack: { readonly node: number; next: number }[] = [{ node: root, next: 0 }]
  state[root] = open
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const edge = outgoing[top.node]?.[top.next]
    top.next++
    if (edge === undefined) {
      state[top.node] = closed
      stack.pop()
      continue
    }
    const to = edges[edge]?.to ?? 0
    if (state[to] === open) back.add(edge)
    else if (state[to] === unseen) {
      state[to] = open
      stack.push({ node: to, next: 0 })
    }
  }
}

/** Per node the places of its edges. */
export function outgoingOf(nodeCount: number, edges: readonly Edge[]): readonly (readonly number[])[] {
  const outgoing: number[][] = Array.from({ length: nodeCount }, () => [])
  for (const [i, { from }] of edges.entries()) outgoing[from]?.push(i)
  return outgoing
}
