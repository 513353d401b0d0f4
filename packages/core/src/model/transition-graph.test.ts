import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ExitsModel } from './definition.ts'
import { exitKinds, type GraphModel, startsOf, transitionGraphOf, transitionsOf, unreachableOf } from './transition-graph.ts'

const graphOf = (graph: { readonly [status: string]: ExitsModel }): GraphModel => new Map(Object.entries(graph))

/** Graphs of up to eight statuses with random exits; every destination exists. */
const graphs = fc.integer({ min: 1, max: 8 }).chain((size) => {
  const statuses = Array.from({ length: size }, (_, index) => `s${index}`)
  const exit = fc.subarray(statuses, { minLength: 1 })
  const exits = fc.record({ step: exit, callback: exit, timeout: exit, join: exit }, { requiredKeys: [] })
  return fc
    .tuple(...statuses.map(() => exits))
    .map((all): GraphModel => new Map(statuses.map((status, index) => [status, all[index] ?? {}])))
})

test('a graph lists statuses, starts, terminals and transitions in the order of the contract', () => {
  const graph = graphOf({ created: { timeout: ['late'], step: ['paid', 'late'] }, paid: { callback: ['done'] }, done: {}, late: {} })
  expect(transitionGraphOf({ name: 'orders', graph })).toEqual({
    name: 'orders',
    nodes: [
      { status: 'created', exits: ['step', 'timeout'] },
      { status: 'paid', exits: ['callback'] },
      { status: 'done', exits: [] },
      { status: 'late', exits: [] },
    ],
    starts: ['created'],
    terminals: ['done', 'late'],
    transitions: [
      { from: 'created', to: 'paid', kind: 'step' },
      { from: 'created', to: 'late', kind: 'step' },
      { from: 'created', to: 'late', kind: 'timeout' },
      { from: 'paid', to: 'done', kind: 'callback' },
    ],
  })
})

test('runs begin at the first status that no other one leads to, wherever it stands', () => {
  expect(startsOf(graphOf({ paid: { step: ['done'] }, created: { step: ['paid'] }, imported: { step: ['paid'] }, done: {} }))).toEqual([
    'created',
    'imported',
  ])
})

test('a self-loop does not keep a status from being a start', () => {
  expect(startsOf(graphOf({ created: { step: ['done'] }, polling: { step: ['polling', 'done'] }, done: {} }))).toEqual([
    'created',
    'polling',
  ])
})

test('where a cycle goes through every status, the first one is the start', () => {
  expect(startsOf(graphOf({ a: { step: ['b'] }, b: { step: ['a'] } }))).toEqual(['a'])
})

test('a terminal status is never a start, and without exits there is none', () => {
  expect(startsOf(graphOf({ done: {}, created: { step: ['end'] }, end: {} }))).toEqual(['created'])
  expect(startsOf(graphOf({ a: {} }))).toEqual([])
})

test('a terminal status that nothing leads to and a cycle without an entry are unreachable', () => {
  expect(unreachableOf(graphOf({ a: { step: ['b'] }, b: {}, c: { step: ['d'] }, d: { timeout: ['c'] }, lost: {} }))).toEqual([
    'c',
    'd',
    'lost',
  ])
})

test('every status is either unreachable, or a start, or the destination of a reachable one', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const unreachable = new Set(unreachableOf(graph))
      const starts = new Set(startsOf(graph))
      const reached = new Set(
        transitionsOf(graph)
          .filter(({ from }) => !unreachable.has(from))
          .map(({ to }) => to),
      )
      for (const status of graph.keys()) expect(unreachable.has(status)).toBe(!starts.has(status) && !reached.has(status))
    }),
  )
})

test('a graph keeps every exit once and cannot be changed', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const { nodes, starts, terminals, transitions } = transitionGraphOf({ name: 'w', graph })
      expect(nodes.map((node) => node.status)).toEqual([...graph.keys()])
      expect(terminals).toEqual(nodes.filter((node) => node.exits.length === 0).map((node) => node.status))
      const exits = [...graph.values()].flatMap((of) => exitKinds.flatMap((kind) => of[kind] ?? []))
      expect(transitions.map(({ to }) => to)).toEqual(exits)
      expect([nodes, starts, terminals, transitions, ...nodes, ...transitions].every(Object.isFrozen)).toBe(true)
    }),
  )
})
