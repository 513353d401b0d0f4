/** Orders each layer so that few edges cross: by the mean place of the neighbours, swept up and down; the best order seen is kept. */
import type { Edge } from './acyclic.ts'

const sweepsMax = 12
/** Above so many edges counting crossings costs more than another sweep would win. */
const countedEdgesMax = 4_000

/** `layers`: the nodes of each layer; `edges` lead from one layer to the next. Gives the layers in a better order. */
export function ordered(layers: readonly (readonly number[])[], edges: readonly Edge[]): number[][] {
  const before = neighbours(edges, 'to', 'from')
  const after = neighbours(edges, 'from', 'to')
  let current = layers.map((layer) => [...layer])
  let best = current
  let fewest = edges.length > countedEdgesMax ? Number.POSITIVE_INFINITY : crossings(current, edges)
  for (let sweep = 0; sweep < sweepsMax && fewest > 0; sweep++) {
    current = sweep % 2 === 0 ? swept(current, before) : swept(current.toReversed(), after).toReversed()
    const count = edges.length > countedEdgesMax ? fewest : crossings(current, edges)
    if (count < fewest || count === Number.POSITIVE_INFINITY) {
      fewest = count
      best = current
    }
  }
  return best
}

function neighbours(edges: readonly Edge[], of: 'from' | 'to', are: 'from' | 'to'): ReadonlyMap<number, readonly number[]> {
  const all = new Map<number, number[]>()
  for (const edge of edges) {
    const known = all.get(edge[of])
    if (known === undefined) all.set(edge[of], [edge[are]])
    else known.push(edge[are])
  }
  return all
}

function swept(layers: readonly (readonly number[])[], fixed: ReadonlyMap<number, readonly number[]>): number[][] {
  const place = new Map<number, number>()
  return layers.map((layer) => {
    const keys = new Map(layer.map((node, i) => [node, mean(fixed.get(node) ?? [], place) ?? i]))
    // Sorting is stable: equals stay in their order, so the same graph is always drawn the same way.
    const sorted = [...layer].sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0))
    for (const [i, node] of sorted.entries()) place.set(node, i)
    return sorted
  })
}

function mean(nodes: readonly number[], place: ReadonlyMap<number, number>): number | undefined {
  if (nodes.length === 0) return undefined
  return nodes.reduce((sum, node) => sum + (place.get(node) ?? 0), 0) / nodes.length
}

/** How many pairs of edges cross. */
export function crossings(layers: readonly (readonly number[])[], edges: readonly Edge[]): number {
  const place = new Map<number, number>()
  const layerOf = new Map<number, number>()
  for (const [i, layer] of layers.entries()) {
    for (const [at, node] of layer.entries()) {
      place.set(node, at)
      layerOf.set(node, i)
    }
  }
  const perLayer: [number, number][][] = layers.map(() => [])
  for (const { from, to } of edges) perLayer[layerOf.get(from) ?? 0]?.push([place.get(from) ?? 0, place.get(to) ?? 0])
  return perLayer.reduce((sum, pairs) => sum + inversions(pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map((pair) => pair[1])), 0)
}

/** Pairs that are out of order, by a tree of counts. */
function inversions(values: readonly number[]): number {
  const size = Math.max(0, ...values) + 1
  const tree = new Int32Array(size + 1)
  let count = 0
  for (const [seen, value] of values.entries()) {
    let notAbove = 0
    for (let i = value + 1; i > 0; i -= i & -i) notAbove += tree[i] ?? 0
    count += seen - notAbove
    for (let i = value + 1; i <= size; i += i & -i) tree[i] = (tree[i] ?? 0) + 1
  }
  return count
}
