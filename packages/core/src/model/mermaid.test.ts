import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ExitsModel } from './definition.ts'
import { diagramDirections, mermaid } from './mermaid.ts'
import { type TransitionGraph, transitionGraphOf } from './transition-graph.ts'

const graphOf = (graph: { readonly [status: string]: ExitsModel }): TransitionGraph =>
  transitionGraphOf({ name: 'w', graph: new Map(Object.entries(graph)) })

test('branches go through a choice, and what is not a step says what it is', () => {
  const graph = graphOf({
    created: { step: ['approval', 'rejected'] },
    approval: { callback: ['shipping'], timeout: ['rejected', 'approval'] },
    shipping: { join: ['done'] },
    rejected: {},
    done: {},
  })
  expect(mermaid(graph)).toBe(`stateDiagram-v2
  direction TB
  state "created" as s1
  state "approval" as s2
  state "shipping" as s3
  state "rejected" as s4
  state "done" as s5
  [*] --> s1
  state s1_step <<choice>>
  s1 --> s1_step
  s1_step --> s2
  s1_step --> s4
  s2 --> s3 : callback
  state s2_timeout <<choice>>
  s2 --> s2_timeout : timeout
  s2_timeout --> s4
  s2_timeout --> s2
  s3 --> s5 : children finished
  s4 --> [*]
  s5 --> [*]
`)
})

test.each(diagramDirections)('a diagram can grow in direction %s', (direction) => {
  expect(mermaid(graphOf({ a: { step: ['b'] }, b: {} }), { direction })).toContain(`\n  direction ${direction}\n`)
})

test('no name of a status can break out of its label', () => {
  expect(mermaid(graphOf({ 'say "hi"; #1': { step: ['<b>&\\'] }, '<b>&\\': {} }))).toContain('state "say #34;hi#34;#59; #35;1" as s1')
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, unit: fc.constantFrom('"', '#', ';', '<', '>', '&', '\\', 'a', ' ', ':', '-', '{', ']', '*') }),
      (name) => {
        const lines = mermaid(graphOf({ [`x${name}`]: { step: [`x${name}`] } })).split('\n')
        expect(lines[2]).toMatch(/^ {2}state "(?:[^"#;<>&\\]|#\d+;)+" as s1$/)
        expect(lines.slice(3)).toEqual(['  [*] --> s1', '  s1 --> s1', ''])
      },
    ),
  )
})
