/** Version, stay, run state, topics and history agree with each other on every way that a run can go. */
import fastCheck from 'fast-check'
import { expect, test } from 'vitest'
import { ManualClock } from '../../test/manual-clock.ts'
import { assertUnit } from '../adapter/assert-unit.ts'
import { contractModelFrom } from '../contract-model.ts'
import type { Change } from '../model/unit.ts'
import { isFinished, isLegalMove } from '../model/run-state.ts'
import { unchecked } from '../schema.ts'
import type { EngineContext } from './engine-context.ts'
import { Topics } from './topics.ts'
import { advance, changeState, committedRecord, creation, eventAgain, parentWake } from './transition.ts'

const contract = contractModelFrom('loop', { object: unchecked(), graph: { a: { step: ['a', 'b', 'c'] }, b: { step: ['a', 'c'] }, c: {} } })
const clock = new ManualClock()
// The cast holds because transitions look at nothing else of the context.
const ctx = { contract, clock, instance: 'one', slots: 4, historyObjects: true, topics: new Topics(contract) } as unknown as EngineContext
const object = { bytes: new Uint8Array([1]), codec: 'json', schema: 1 }
const note = { by: 'step', attempt: 1 } as const

/** What any change must hold against the record before it. */
function check(change: Change, id: string): void {
  const { next, event, history } = change
  assertUnit({ id, changes: [change] })
  expect([event.version, history.version, event.runId, history.runId]).toEqual([next.version, next.version, next.runId, next.runId])
  expect(event.states).toEqual(history.states)
  expect(event.states.at(-1)).toBe(next.runState)
  for (const [i, state] of event.states.entries())
    if (i > 0) expect(event.states[i - 1] === state || isLegalMove(event.states[i - 1] ?? state, state)).toBe(true)
  expect(next.finishedAt !== undefined).toBe(isFinished(next.runState))
  expect(next.pause !== undefined).toBe(next.runState === 'Paused')
  expect(next.entered.version).toBeLessThanOrEqual(next.version)
}

test('on every way of moves the versions have no gap, states are legal, and the stay changes exactly on entry', () => {
  const moves = fastCheck.array(fastCheck.constantFrom('a', 'b', 'c', 'repeat', 'keep', 'Paused', 'Running', 'Cancelled'), {
    maxLength: 30,
  })
  fastCheck.assert(
    fastCheck.property(moves, (path) => {
      const created = creation(ctx, 'u0', { runId: 'r', foreignId: 'f', status: 'a', object, metadata: {} })
      check(created, 'u0')
      let record = committedRecord(created, 1n)
      for (const [i, move] of path.entries()) {
        const id = `u${i + 1}`
        const moving = record.runState === 'Initiated' || record.runState === 'Running'
        let change: Change
        if (move === 'Paused' || move === 'Running' || move === 'Cancelled') {
          if (!isLegalMove(record.runState, move) || (move === 'Running' && record.runState !== 'Paused')) continue
          change = changeState(
            ctx,
            id,
            record,
            move,
            note,
            move === 'Paused' ? { pause: { by: 'person', actor: 'ann', reason: object } } : {},
          )
          expect(change.next.entered).toEqual(record.entered)
        } else {
          if (!moving || (move !== 'repeat' && move !== 'keep' && contract.graph.get(record.status)?.step?.includes(move) !== true))
            continue
          const stay = move === 'repeat' || move === 'keep' ? move : 'enter'
          change = advance(ctx, id, record, { to: stay === 'enter' ? move : record.status, object, note, stay })
          expect(change.next.entered.version).toBe(stay === 'enter' ? record.version + 1 : record.entered.version)
          expect(change.next.repeat).toBe(stay === 'enter' ? 0 : record.repeat + (stay === 'repeat' ? 1 : 0))
        }
        check(change, id)
        expect([change.expect, change.next.version]).toEqual([record.version, record.version + 1])
        expect(change.history.from).toBe(record.status)
        expect(change.next.createdAt).toBe(record.createdAt)
        if (record.finishedAt !== undefined) expect(change.next.finishedAt).toBe(record.finishedAt)
        record = committedRecord(change, 1n)
      }
    }),
    { numRuns: 500, seed: 1 },
  )
})

test('the first step tells Initiated to Running to Completed in one event, to both of its topics', () => {
  const record = committedRecord(creation(ctx, 'u', { runId: 'r', foreignId: 'f', status: 'a', object, metadata: {} }), 1n)
  const { event } = advance(ctx, 'v', record, { to: 'c', object, note, stay: 'enter' })
  expect(event).toMatchObject({
    previousStatus: 'a',
    status: 'c',
    states: ['Initiated', 'Running', 'Completed'],
    topics: ['loop/c', 'loop/$Completed'],
  })
})

test('what is said again, and what a child says to its parent, is something that stores accept', () => {
  const parent = { workflowName: 'cars/%', runId: 'p', join: 'a/b/7' }
  const record = committedRecord(creation(ctx, 'u', { runId: 'r', foreignId: 'f', status: 'a', object, metadata: {}, parent }), 1n)
  const wake = parentWake(ctx, record)
  expect(wake).toMatchObject({ kind: 'wake', workflowName: 'cars/%', runId: 'p', status: 'a/b', topics: ['cars%2F%25/a%2Fb'] })
  assertUnit({ id: 'x', emit: [eventAgain(ctx, record, 'reemit'), ...(wake === undefined ? [] : [wake])] })
  expect(parentWake(ctx, { ...record, parent: undefined } as never)).toBeUndefined()
})
