/** The layout of state diagrams, as a pure function. */
import { describe, expect, test } from 'vitest'
import { type DiagramGraph, type Layout, layoutOf } from '../../app/diagram/layout.ts'

const graphOf = (ways: Readonly<Record<string, readonly string[]>>): DiagramGraph => ({
  nodes: Object.keys(ways).map((status) => ({ status, exits: [] })),
  starts: Object.keys(ways).slice(0, 1),
  transitions: Object.entries(ways).flatMap(([from, all]) => all.map((to) => ({ from, to, kind: 'step' as const }))),
})

/** A chain with jumps ahead and ways back, from a fixed series of numbers. */
function tangled(count: number): DiagramGraph {
  let seed = 7
  const next = (max: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % max
  const ways: Record<string, string[]> = {}
  for (let i = 0; i < count; i++) {
    const others = [i + 1, i + 2 + next(9), next(count), next(count)]
    ways[`status-${i}`] = [...new Set(others)].filter((to) => to < count).map((to) => `status-${to}`)
  }
  return graphOf(ways)
}

function overlaps({ boxes }: Layout): readonly string[] {
  return boxes.flatMap((a, i) =>
    boxes
      .slice(i + 1)
      .filter((b) => Math.abs(a.x - b.x) < (a.width + b.width) / 2 && Math.abs(a.y - b.y) < (a.height + b.height) / 2)
      .map((b) => `${a.status} and ${b.status}`),
  )
}

const order = graphOf({ created: ['paid', 'failed'], paid: ['packed', 'failed'], packed: ['sent'], sent: [], failed: ['created'] })

describe('layoutOf', () => {
  test.each(['right', 'down'] as const)('puts every status after those that lead to it, and none upon another (%s)', (direction) => {
    const layout = layoutOf(order, direction)
    const along = (status: string): number => {
      const box = layout.boxes.find((one) => one.status === status)
      return (direction === 'right' ? box?.x : box?.y) ?? Number.NaN
    }
    expect(along('created')).toBeLessThan(along('paid'))
    expect(along('paid')).toBeLessThan(along('packed'))
    expect(along('packed')).toBeLessThan(along('sent'))
    expect(overlaps(layout)).toEqual([])
  })

  test('knows which arrow leads back', () => {
    const back = layoutOf(order, 'right').arrows.filter((arrow) => arrow.back)
    expect(back.map(({ from, to }) => `${from} → ${to}`)).toEqual(['failed → created'])
  })

  test('draws one arrow for several kinds of way, and a loop for a way to itself', () => {
    const graph: DiagramGraph = {
      ...graphOf({ waiting: ['waiting', 'done'], done: [] }),
      transitions: [
        { from: 'waiting', to: 'done', kind: 'callback' },
        { from: 'waiting', to: 'done', kind: 'timeout' },
        { from: 'waiting', to: 'waiting', kind: 'step' },
      ],
    }
    const { arrows } = layoutOf(graph, 'down')
    expect(arrows.map(({ from, to, kinds, back }) => ({ from, to, kinds, back }))).toEqual([
      { from: 'waiting', to: 'done', kinds: ['callback', 'timeout'], back: false },
      { from: 'waiting', to: 'waiting', kinds: ['step'], back: true },
    ])
    expect(arrows.every(({ path }) => /^M[\d.]+,[\d.]+C/.test(path))).toBe(true)
  })

  test('keeps everything within its frame, and numbers where there should be numbers', () => {
    for (const direction of ['right', 'down'] as const) {
      const { width, height, boxes, arrows } = layoutOf(tangled(60), direction)
      expect(boxes.every((box) => box.x - box.width / 2 >= 0 && box.x + box.width / 2 <= width)).toBe(true)
      expect(boxes.every((box) => box.y - box.height / 2 >= 0 && box.y + box.height / 2 <= height)).toBe(true)
      expect(arrows.every(({ path }) => path !== '' && !path.includes('NaN'))).toBe(true)
    }
  })

  test('crosses no edges where none need to cross', () => {
    const { arrows, boxes } = layoutOf(graphOf({ a: ['b', 'c'], b: ['d'], c: ['e'], d: [], e: [] }), 'right')
    const y = (status: string): number => boxes.find((box) => box.status === status)?.y ?? Number.NaN
    expect(arrows).toHaveLength(4)
    expect(y('b') < y('c')).toBe(y('d') < y('e'))
  })

  test('is the same every time', () => {
    expect(layoutOf(tangled(80), 'right')).toEqual(layoutOf(tangled(80), 'right'))
  })

  test('lays out 200 statuses with cycles in less than 100 ms of the processor, none upon another', () => {
    const graph = tangled(200)
    // Its own time, and the quickest of a few: what else the machine does is no fault of the layout.
    let layout = layoutOf(graph, 'right')
    const took = Array.from({ length: 5 }, () => {
      const begun = process.cpuUsage()
      layout = layoutOf(graph, 'right')
      const { user, system } = process.cpuUsage(begun)
      return (user + system) / 1_000
    })
    expect(overlaps(layout)).toEqual([])
    expect(Math.min(...took)).toBeLessThan(100)
  })

  test('takes a graph of one status, and of none', () => {
    expect(layoutOf(graphOf({ alone: [] }), 'right').boxes).toHaveLength(1)
    expect(layoutOf(graphOf({}), 'right')).toEqual({ width: 0, height: 0, boxes: [], arrows: [] })
  })
})
