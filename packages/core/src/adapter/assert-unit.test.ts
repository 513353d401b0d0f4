import { describe, expect, test } from 'vitest'
import { isWorkflowError } from '../errors.ts'
import type { Payload } from '../model/payload.ts'
import type { Change, Unit } from '../model/unit.ts'
import { assertUnit } from './assert-unit.ts'
import { limits } from './limits.ts'

const at = new Date(1_000)
const payload: Payload = { bytes: new Uint8Array([1]), codec: 'json', schema: 1 }
const key = { kind: 'retry', owner: 'run-1', epoch: 1, name: 'step' } as const
const timer = { key, workflowName: 'orders', slot: 0, at, held: false, attempt: 0 }
const note = { runId: 'run-1', version: 1, process: 'step', kind: 'failed', attempt: 1, startedAt: at, instance: 'a' } as const
const item = { runId: 'run-1', stream: 'callbacks', id: 'x', body: payload, ifUnfinished: true }

function change(runId = 'run-1'): Change {
  const own = { workflowName: 'orders', foreignId: 'order 1', runId, version: 1 }
  return {
    expect: 'absent',
    next: {
      ...own,
      status: 'created',
      runState: 'Initiated',
      entered: { version: 1, at },
      repeat: 0,
      object: payload,
      metadata: { a: '' },
      writer: { graph: 'g', schema: 1 },
      createdAt: at,
      updatedAt: at,
    },
    event: { ...own, v: 1, kind: 'transition', status: 'created', states: ['Initiated'], topics: ['orders/created'], slot: 0, at },
    history: { runId, version: 1, unitId: 'unit-1', to: 'created', states: ['Initiated'], by: 'trigger', at, attempt: 1, instance: 'a' },
  }
}
const unit: Unit = {
  id: 'unit-1',
  changes: [change()],
  append: [item],
  consume: [{ runId: 'run-1', stream: 'callbacks', through: 1 }],
  timers: [{ put: timer }],
  attempts: [note],
  emit: [change().event],
}

/** The valid unit with one field, named by its path, replaced. */
function broken(path: string, value: unknown): Unit {
  const copy: unknown = structuredClone(unit)
  const steps = path.split('.')
  const last = steps.pop() ?? ''
  let place = copy as Record<string, unknown>
  for (const step of steps) place = place[step] as Record<string, unknown>
  if (value === undefined) delete place[last]
  else place[last] = value
  return copy as Unit
}

describe('assertUnit', () => {
  test('lets a full unit, an empty one and the longest values through', () => {
    assertUnit(unit)
    assertUnit({ id: 'nothing' })
    const longest = 'ä'.repeat(limits.nameLength)
    const far = change(longest)
    assertUnit({ id: 'unit-1', changes: [{ ...far, next: { ...far.next, object: { ...payload, bytes: new Uint8Array() } } }] })
  })

  const problems: readonly (readonly [what: string, path: string, value: unknown])[] = [
    ['no id', 'id', ''],
    ['a version that does not follow', 'changes.0.next.version', 2],
    ['an event about another version', 'changes.0.event.version', 2],
    ['an event about another run', 'changes.0.event.runId', 'run-2'],
    ['an event with another status', 'changes.0.event.status', 'paid'],
    ['an event that is no transition', 'changes.0.event.kind', 'wake'],
    ['an event that ends in another run state', 'changes.0.event.states', ['Running']],
    ['an event without run states', 'changes.0.event.states', []],
    ['an unknown event version', 'changes.0.event.v', 2],
    ['a negative slot', 'changes.0.event.slot', -1],
    ['a history entry of another run', 'changes.0.history.runId', 'run-2'],
    ['a history entry of another version', 'changes.0.history.version', 3],
    ['a history entry of another unit', 'changes.0.history.unitId', 'unit-2'],
    ['a history entry that leads elsewhere', 'changes.0.history.to', 'paid'],
    ['a history entry by nobody', 'changes.0.history.by', 'magic'],
    ['a negative duration', 'changes.0.history.durationMs', -1],
    ['an unknown run state', 'changes.0.next.runState', 'Sleeping'],
    ['Paused without a pause', 'changes.0.next.runState', 'Paused'],
    ['a finish without a finished run', 'changes.0.next.finishedAt', at],
    ['an entry later than the version', 'changes.0.next.entered.version', 2],
    ['a fractional repeat', 'changes.0.next.repeat', 0.5],
    ['an invalid date', 'changes.0.next.updatedAt', new Date(Number.NaN)],
    ['a NUL', 'changes.0.next.foreignId', 'a\0b'],
    ['a lone surrogate', 'changes.0.next.metadata.a', 'a\ud800'],
    ['an empty foreign id', 'changes.0.next.foreignId', ''],
    ['a foreign id that is too long', 'changes.0.next.foreignId', 'x'.repeat(limits.nameLength + 1)],
    ['metadata that is no text', 'changes.0.next.metadata.a', 1],
    ['too much metadata', 'changes.0.next.metadata', Object.fromEntries(Array.from({ length: 101 }, (_, i) => [String(i), '']))],
    ['bytes that are none', 'changes.0.next.object.bytes', 'text'],
    ['a payload that is too large', 'changes.0.next.object.bytes', new Uint8Array(limits.payloadBytes + 1)],
    ['a schema of 0', 'changes.0.next.object.schema', 0],
    ['an expected version of 0', 'changes.0.expect', 0],
    ['an empty item id', 'append.0.id', ''],
    ['an item without a condition', 'append.0.ifUnfinished', undefined],
    ['a version to append at that is none', 'append.0.ifVersion', 0],
    ['a position that is none', 'consume.0.through', -1],
    ['a timer without a date', 'timers.0.put.at', new Date('never')],
    ['a timer of an unknown kind', 'timers.0.put.key.kind', 'alarm'],
    ['a timer with a broken name', 'timers.0.put.key.name', '\udfff'],
    ['a note of attempt 0', 'attempts.0.attempt', 0],
    ['a note of an unknown kind', 'attempts.0.kind', 'lucky'],
    ['an emitted event of an unknown kind', 'emit.0.kind', 'shout'],
    ['an emitted event without a topic list', 'emit.0.topics', 'orders/created'],
  ]
  for (const [what, path, value] of problems) {
    test(`refuses ${what}`, () => {
      expect(() => assertUnit(broken(path, value))).toThrow(expect.toSatisfy((error: unknown) => isWorkflowError(error, 'InvalidArgument')))
    })
  }

  test('refuses two changes of one run, and names it', () => {
    expect(() => assertUnit({ id: 'unit-1', changes: [change('run-7'), change('run-8'), change('run-7')] })).toThrow(/"run-7".*two changes/)
  })

  test('refuses more parts than a unit may have', () => {
    expect(() => assertUnit({ id: 'u', timers: Array.from({ length: limits.unitParts + 1 }, () => ({ hold: 'run-1' })) })).toThrow(
      'split it',
    )
  })

  test('says Unsupported for a field or an operation that it does not know', () => {
    const unsupported = expect.toSatisfy((error: unknown) => isWorkflowError(error, 'Unsupported'))
    expect(() => assertUnit(broken('archive', []))).toThrow(unsupported)
    expect(() => assertUnit(broken('timers.0', { shake: 'run-1' }))).toThrow(unsupported)
  })

  test('names the unit, the run and the part', () => {
    expect(() => assertUnit(broken('changes.0.next.repeat', -1))).toThrow(
      'unit "unit-1", run "run-1": repeat must be a whole number, 0 or more; got -1',
    )
  })
})
