/** Where the nodes of ordered layers stand across: near their neighbours, in their order, never closer than allowed. */
import type { Edge } from './acyclic.ts'

const passes = 10

/** The centre of each node. `sizes`: how much room each takes across; `gap`: between two of them. */
export function placesAcross(
  layers: readonly (readonly number[])[],
  edges: readonly Edge[],
  sizes: readonly number[],
  gap: number,
): Float64Array {
  const at = new Float64Array(sizes.length)
  for (const layer of layers) packed(layer, at, sizes, gap)
  const linked: number[][] = sizes.map(() => [])
  for (const { from, to } of edges) {
    linked[from]?.push(to)
    linked[to]?.push(from)
  }
  for (let pass = 0; pass < passes; pass++) {
    for (const layer of pass % 2 === 0 ? layers : layers.toReversed()) pulled(layer, at, sizes, gap, linked)
  }
  return at
}

/** One beside the other, around zero. */
function packed(layer: readonly number[], at: Float64Array, sizes: readonly number[], gap: number): void {
  const total = layer.reduce((sum, node) => sum + (sizes[node] ?? 0) + gap, -gap)
  let edge = -total / 2
  for (const node of layer) {
    const size = sizes[node] ?? 0
    at[node] = edge + size / 2
    edge += size + gap
  }
}

/** Each node wants to stand at the mean of its neighbours; those that would overlap share what they want. */
function pulled(layer: readonly number[], at: Float64Array, sizes: readonly number[], gap: number, linked: readonly number[][]): void {
  // Groups that touch: a node joins the group before it while it would overlap it.
  const groups: { wanted: number; count: number; width: number; readonly nodes: number[] }[] = []
  for (const node of layer) {
    const size = (sizes[node] ?? 0) + gap
    let group = { wanted: wish(node, at, linked) - size / 2, count: 1, width: size, nodes: [node] }
    for (let last = groups.at(-1); last !== undefined && last.wanted + last.width > group.wanted; last = groups.at(-1)) {
      groups.pop()
      const count = last.count + group.count
      const wanted = (last.wanted * last.count + (group.wanted - last.width) * group.count) / count
      group = { wanted, count, width: last.width + group.width, nodes: [...last.nodes, ...group.nodes] }
    }
    groups.push(group)
  }
  for (const { wanted, nodes } of groups) {
    let edge = wanted
    for (const node of nodes) {
      const size = (sizes[node] ?? 0) + gap
      at[node] = edge + size / 2
      edge += size
    }
  }
}

function wish(node: number, at: Float64Array, linked: readonly number[][]): number {
  const others = linked[node] ?? []
  if (others.length === 0) return at[node] ?? 0
  return others.reduce((sum, other) => sum + (at[other] ?? 0), 0) / others.length
}
