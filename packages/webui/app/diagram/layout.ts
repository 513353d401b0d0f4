/**
 * Lays out a state diagram: a pure function, the same for the same graph. Layers by longest way, cycles cut where a walk from the
 * starts comes back, long edges led through the layers between, crossings reduced by sweeping.
 */
import type { WorkflowJson } from '../../src/api/workflow-json.ts'
import { backEdges, type Edge } from './acyclic.ts'
import { layersOf } from './layers.ts'
import { ordered } from './ordering.ts'
import { placesAcross } from './placing.ts'

export type Direction = 'right' | 'down'
export type DiagramGraph = Pick<WorkflowJson, 'nodes' | 'starts' | 'transitions'>

export interface Box {
  readonly status: string
  /** The centre. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Arrow {
  readonly from: string
  readonly to: string
  /** All kinds of ways from the one to the other. */
  readonly kinds: readonly string[]
  /** Leads back to an earlier layer, or to itself. */
  readonly back: boolean
  /** An SVG path. */
  readonly path: string
}

export interface Layout {
  readonly width: number
  readonly height: number
  readonly boxes: readonly Box[]
  readonly arrows: readonly Arrow[]
}

interface Point {
  readonly x: number
  readonly y: number
}

interface Size {
  readonly width: number
  readonly height: number
}

const boxHeight = 44
const characterWidth = 7.4
const labelMax = 26
const padding = 24
const margin = 28
const layerGap = { right: 56, down: 44 } as const
const acrossGap = { right: 22, down: 28 } as const
/** Room for an edge that passes through a layer. */
const laneSize = 10
/** A way and the way back between the same two boxes are seen as two. */
const backShift = 12
/** Longer edges than these together are drawn straight over the layers between. */
const lanesMax = 500

/** How much of a status is shown in its box; the whole of it is in the box's title. */
export function boxLabel(status: string): string {
  return status.length <= labelMax ? status : `${status.slice(0, labelMax - 1)}…`
}

export function layoutOf(graph: DiagramGraph, direction: Direction): Layout {
  const index = new Map(graph.nodes.map(({ status }, i) => [status, i]))
  const ways = waysOf(graph, index)
  const sizes: Size[] = graph.nodes.map(({ status }) => ({
    width: Math.max(84, boxLabel(status).length * characterWidth + padding),
    height: boxHeight,
  }))
  const lined = linesOf(graph, ways, index)
  const points = pointsOf(lined, sizes, direction)
  const boxes = graph.nodes.map(({ status }, i) => ({ status, ...(points[i] ?? { x: 0, y: 0 }), ...(sizes[i] ?? { width: 0, height: 0 }) }))
  const arrows = ways.map((way, i) => arrowOf(way, lined.lines[i] ?? [], boxes, points, direction))
  return framed(boxes, arrows, points)
}

interface Way extends Edge {
  readonly kinds: readonly string[]
  readonly back: boolean
}

/** One per pair of statuses. */
function waysOf(graph: DiagramGraph, index: ReadonlyMap<string, number>): readonly Way[] {
  const kinds = new Map<string, { readonly from: number; readonly to: number; readonly kinds: string[] }>()
  for (const { from, to, kind } of graph.transitions) {
    const [a, b] = [index.get(from), index.get(to)]
    if (a === undefined || b === undefined) continue
    const known = kinds.get(`${a} ${b}`)
    if (known === undefined) kinds.set(`${a} ${b}`, { from: a, to: b, kinds: [kind] })
    else if (!known.kinds.includes(kind)) known.kinds.push(kind)
  }
  const ways = [...kinds.values()]
  const roots = graph.starts.flatMap((status) => index.get(status) ?? [])
  const back = backEdges(graph.nodes.length, ways, roots)
  return ways.map((way, i) => ({ ...way, back: back.has(i) }))
}

interface Lines {
  readonly layers: readonly (readonly number[])[]
  /** From layer to layer. */
  readonly pieces: readonly Edge[]
  /** Per way the nodes that it goes through, lanes included, from its earlier layer to its later one. */
  readonly lines: readonly (readonly number[])[]
}

function linesOf(graph: DiagramGraph, ways: readonly Way[], index: ReadonlyMap<string, number>): Lines {
  const forward = ways.filter(({ from, to }) => from !== to).map(({ from, to, back }) => (back ? { from: to, to: from } : { from, to }))
  const layerOf = layersOf(index.size, forward)
  const layers: number[][] = Array.from({ length: Math.max(0, ...layerOf) + 1 }, () => [])
  for (const i of graph.nodes.keys()) layers[layerOf[i] ?? 0]?.push(i)
  const pieces: Edge[] = []
  let next = graph.nodes.length
  const lines = ways.map(({ from, to, back }) => {
    const [first, last] = back ? [to, from] : [from, to]
    const line = [first]
    const [begin, end] = [layerOf[first] ?? 0, layerOf[last] ?? 0]
    const lanes = Math.max(0, end - begin - 1)
    if (next + lanes - graph.nodes.length > lanesMax) return [first, last]
    for (let layer = begin + 1; layer < end; layer++) {
      layers[layer]?.push(next)
      line.push(next++)
    }
    line.push(last)
    if (from !== to) for (let i = 1; i < line.length; i++) pieces.push({ from: line[i - 1] ?? 0, to: line[i] ?? 0 })
    return line
  })
  return { layers: ordered(layers, pieces), pieces, lines }
}

/** The centre of every box and lane. */
function pointsOf({ layers, pieces }: Lines, sizes: readonly Size[], direction: Direction): readonly Point[] {
  const count = layers.reduce((sum, layer) => sum + layer.length, 0)
  const across = Array.from({ length: count }, (_, i) => (direction === 'right' ? sizes[i]?.height : sizes[i]?.width) ?? laneSize)
  const places = placesAcross(layers, pieces, across, acrossGap[direction])
  const points: Point[] = Array.from({ length: count })
  let edge = 0
  for (const layer of layers) {
    const depth = Math.max(0, ...layer.map((node) => (direction === 'right' ? sizes[node]?.width : sizes[node]?.height) ?? 0))
    for (const node of layer) {
      const [along, beside] = [edge + depth / 2, places[node] ?? 0]
      points[node] = direction === 'right' ? { x: along, y: beside } : { x: beside, y: along }
    }
    edge += depth + layerGap[direction]
  }
  return points
}

function arrowOf(way: Way, line: readonly number[], boxes: readonly Box[], points: readonly Point[], direction: Direction): Arrow {
  const [from, to] = [boxes[way.from], boxes[way.to]]
  const names = { from: from?.status ?? '', to: to?.status ?? '', kinds: way.kinds }
  if (from === undefined || to === undefined) return { ...names, back: way.back, path: '' }
  if (way.from === way.to) return { ...names, back: true, path: loop(from) }
  const inner = (way.back ? line.toReversed() : line).slice(1, -1).flatMap((node) => points[node] ?? [])
  const sign = way.back ? -1 : 1
  const path = curve([side(from, direction, sign, way.back), ...inner, side(to, direction, -sign, way.back)], direction)
  return { ...names, back: way.back, path }
}

/** The middle of the side that looks along (1) or against (-1) the direction; of ways back, a little beside it. */
function side({ x, y, width, height }: Box, direction: Direction, sign: number, back: boolean): Point {
  const beside = back ? backShift : 0
  return direction === 'right' ? { x: x + (sign * width) / 2, y: y + beside } : { x: x + beside, y: y + (sign * height) / 2 }
}

function curve(points: readonly Point[], direction: Direction): string {
  const [first, ...rest] = points
  if (first === undefined) return ''
  let last = first
  let path = `M${pair(first)}`
  for (const point of rest) {
    const [a, b] =
      direction === 'right'
        ? [
            { x: (last.x + point.x) / 2, y: last.y },
            { x: (last.x + point.x) / 2, y: point.y },
          ]
        : [
            { x: last.x, y: (last.y + point.y) / 2 },
            { x: point.x, y: (last.y + point.y) / 2 },
          ]
    path += `C${pair(a)} ${pair(b)} ${pair(point)}`
    last = point
  }
  return path
}

function loop({ x, y, width, height }: Box): string {
  const top = y - height / 2
  const [left, right] = [x + width / 4 - 10, x + width / 4 + 10]
  return `M${pair({ x: left, y: top })}C${pair({ x: left - 4, y: top - 26 })} ${pair({ x: right + 4, y: top - 26 })} ${pair({ x: right, y: top })}`
}

function pair({ x, y }: Point): string {
  return `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`
}

/** Moves everything so that it begins at the margin. */
function framed(boxes: readonly Box[], arrows: readonly Arrow[], points: readonly Point[]): Layout {
  if (boxes.length === 0) return { width: 0, height: 0, boxes, arrows }
  const left = Math.min(...boxes.map(({ x, width }) => x - width / 2), ...points.map(({ x }) => x))
  const top = Math.min(...boxes.map(({ y, height }) => y - height / 2), ...points.map(({ y }) => y))
  const right = Math.max(...boxes.map(({ x, width }) => x + width / 2), ...points.map(({ x }) => x))
  const bottom = Math.max(...boxes.map(({ y, height }) => y + height / 2), ...points.map(({ y }) => y))
  const [dx, dy] = [margin - left, margin - top]
  const moved = (path: string): string =>
    path.replace(/(-?[\d.]+),(-?[\d.]+)/g, (_, x: string, y: string) => pair({ x: Number(x) + dx, y: Number(y) + dy }))
  return {
    width: right - left + 2 * margin,
    height: bottom - top + 2 * margin,
    boxes: boxes.map((box) => ({ ...box, x: box.x + dx, y: box.y + dy })),
    arrows: arrows.map((arrow) => ({ ...arrow, path: moved(arrow.path) })),
  }
}
