import { Unsupported } from '../errors.ts'
import type { Timer, TimerKey, TimerOp } from '../model/timer.ts'
import {
  assertDate,
  assertId,
  assertInteger,
  assertName,
  assertOneOf,
  assertPayload,
  assertSlot,
  refuse,
  type Subject,
} from './assert-values.ts'

const kinds: readonly TimerKey['kind'][] = ['timeout', 'retry', 'resume', 'schedule']

/** Throws `InvalidArgument` for an operation that no store can apply, naming the owner, and `Unsupported` for one that this version does not know. */
export function assertTimerOps(ops: readonly TimerOp[]): void {
  for (const op of ops) assertTimerOp(op)
}

function assertTimerOp(op: TimerOp): void {
  if ('put' in op) return assertTimer(op.put)
  if ('settle' in op) {
    const subject = assertKey(op.settle)
    return assertOneOf(op.as, ['completed', 'cancelled'], 'the outcome to settle as', subject)
  }
  if ('move' in op) {
    const subject = assertKey(op.move)
    assertDate(op.at, 'the time to move to', subject)
    assertInteger(op.attempt, 0, 'attempt', subject)
    if (op.data !== undefined) assertPayload(op.data, 'data', subject)
    return
  }
  if ('hold' in op) return assertOwner(op.hold)
  if ('release' in op) return assertOwner(op.release)
  if ('cancelOwner' in op) return assertOwner(op.cancelOwner)
  throw new Unsupported(`a timer operation with the fields ${Object.keys(op).join(', ')} is not known to this adapter; update it`)
}

function assertTimer(timer: Timer): void {
  const subject = assertKey(timer.key)
  assertName(timer.workflowName, 'workflowName', subject)
  assertSlot(timer.slot, 'slot', subject)
  assertDate(timer.at, 'at', subject)
  if (typeof timer.held !== 'boolean') refuse(subject, 'held', 'must be true or false')
  assertInteger(timer.attempt, 0, 'attempt', subject)
  if (timer.data !== undefined) assertPayload(timer.data, 'data', subject)
}

function assertKey(key: TimerKey): Subject {
  const subject: Subject = () => `${key.kind} timer ${JSON.stringify(key.name)} of ${JSON.stringify(key.owner)}`
  assertOneOf(key.kind, kinds, 'kind', subject)
  assertId(key.owner, 'owner', subject)
  assertInteger(key.epoch, 0, 'epoch', subject)
  assertId(key.name, 'name', subject)
  return subject
}

function assertOwner(owner: string): void {
  assertId(owner, 'owner', () => `timers of ${JSON.stringify(owner)}`)
}
