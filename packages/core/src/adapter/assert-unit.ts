import { InvalidArgument, Unsupported } from '../errors.ts'
import type { AttemptNote } from '../model/attempt-note.ts'
import type { Append, Change, Consume, Unit } from '../model/unit.ts'
import { assertChange } from './assert-change.ts'
import { assertEvent } from './assert-event.ts'
import { assertTimerOps } from './assert-timer-ops.ts'
import { assertDate, assertId, assertInteger, assertName, assertOneOf, assertPayload, refuse, type Subject } from './assert-values.ts'
import { limits } from './limits.ts'

const fields: ReadonlySet<string> = new Set(['id', 'changes', 'append', 'consume', 'timers', 'attempts', 'emit'] satisfies (keyof Unit)[])

/**
 * Checks a unit before anything of it is batched or written: its parts must not contradict each other, and every text,
 * number, date and payload must be one that each database stores and gives back unchanged.
 *
 * Throws `InvalidArgument` that names the unit, the run and the part; `Unsupported` for a field that this version does
 * not know. Knows nothing of what is stored: the conditions of a unit are the store's to decide.
 */
export function assertUnit(unit: Unit): void {
  assertId(unit.id, 'id', () => 'a unit')
  for (const field in unit) {
    if (!fields.has(field))
      throw new Unsupported(
        `unit ${JSON.stringify(unit.id)} has a field ${JSON.stringify(field)}, which this adapter does not know; update it`,
      )
  }
  assertSize(unit)
  if (unit.changes !== undefined) assertChanges(unit.changes, unit.id)
  if (unit.append !== undefined) for (const append of unit.append) assertAppend(append, unit.id)
  if (unit.consume !== undefined) for (const consume of unit.consume) assertConsume(consume, unit.id)
  if (unit.timers !== undefined) assertTimerOps(unit.timers)
  if (unit.attempts !== undefined) for (const note of unit.attempts) assertNote(note, unit.id)
  if (unit.emit !== undefined) for (const event of unit.emit) assertEvent(event, subjectOf(unit.id, event.runId))
}

function subjectOf(unitId: string, runId: string): Subject {
  return () => `unit ${JSON.stringify(unitId)}, run ${JSON.stringify(runId)}`
}

function assertSize(unit: Unit): void {
  const parts =
    (unit.changes?.length ?? 0) +
    (unit.append?.length ?? 0) +
    (unit.consume?.length ?? 0) +
    (unit.timers?.length ?? 0) +
    (unit.attempts?.length ?? 0) +
    (unit.emit?.length ?? 0)
  if (parts > limits.unitParts)
    throw new InvalidArgument(`unit ${JSON.stringify(unit.id)} has ${parts} parts; split it, at most ${limits.unitParts} go into one`)
}

function assertChanges(changes: readonly Change[], unitId: string): void {
  for (const change of changes) assertChange(change, unitId)
  if (changes.length < 2) return
  const runIds = new Set<string>()
  for (const { next } of changes) {
    if (runIds.has(next.runId))
      refuse(subjectOf(unitId, next.runId), 'changes', 'has two changes of this run; a unit takes it one version further, no more')
    runIds.add(next.runId)
  }
}

function assertAppend(append: Append, unitId: string): void {
  const subject = subjectOf(unitId, append.runId)
  assertName(append.runId, "an item's runId", subject)
  assertId(append.stream, "an item's stream", subject)
  assertId(append.id, "an item's id", subject)
  assertPayload(append.body, "an item's body", subject)
  if (typeof append.ifUnfinished !== 'boolean') refuse(subject, "an item's ifUnfinished", 'must be true or false')
  if (append.ifVersion !== undefined) assertInteger(append.ifVersion, 1, "an item's ifVersion", subject)
}

function assertConsume(consume: Consume, unitId: string): void {
  const subject = subjectOf(unitId, consume.runId)
  assertName(consume.runId, 'the runId to consume of', subject)
  assertId(consume.stream, 'the stream to consume', subject)
  assertInteger(consume.through, 0, 'the position to consume through', subject)
}

function assertNote(note: AttemptNote, unitId: string): void {
  const subject = subjectOf(unitId, note.runId)
  assertName(note.runId, "a note's runId", subject)
  assertInteger(note.version, 1, "a note's version", subject)
  assertId(note.process, "a note's process", subject)
  assertOneOf(note.kind, ['failed', 'suspect', 'skipped'], "a note's kind", subject)
  assertInteger(note.attempt, 1, "a note's attempt", subject)
  assertDate(note.startedAt, "a note's startedAt", subject)
  if (note.error !== undefined) assertPayload(note.error, "a note's error", subject)
  if (note.retryAt !== undefined) assertDate(note.retryAt, "a note's retryAt", subject)
  assertId(note.instance, "a note's instance", subject)
}
