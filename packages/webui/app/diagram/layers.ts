/** Puts the nodes of an acyclic graph into layers, so that every edge leads to a later one. */
import { type Edge, outgoingOf } from './acyclic.ts'

/** Per node its layer, from 0: the length of the longest way to it. `edges` must have no cycle. */
export function layersOf(nodeCount: number, edges: readonly Edge[]): Int32Array {
  const layer = new Int32Array(nodeCount)
  const waiting = new Int32Array(nodeCount)
  for (const { to } of edges) waiting[to] = (waiting[to] ?? 0) + 1
  const outgoing = outgoingOf(nodeCount, edges)
  const ready = Array.from({ length: nodeCount }, (_, i) => i).filter((node) => waiting[node] === 0)
  for (let i = 0; i < ready.length; i++) {
    const node = ready[i] ?? 0
    for (const place of outgoing[node] ?? []) {
      const to = edges[place]?.to ?? 0
      layer[to] = Math.max(layer[to] ?? 0, (layer[node] ?? 0) + 1)
      waiting[to] = (waiting[to] ?? 0) - 1
      if (waiting[to] === 0) ready.push(to)
    }
  }
  return layer
}
