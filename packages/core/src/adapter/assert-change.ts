import type { MovedBy } from '../model/history-entry.ts'
import type { RunPause } from '../model/run-record.ts'
import { isFinished, runStates } from '../model/run-state.ts'
import type { Change, NextRecord } from '../model/unit.ts'
import { assertEventRest, assertStates } from './assert-event.ts'
import {
  assertDate,
  assertId,
  assertInteger,
  assertName,
  assertOneOf,
  assertPayload,
  assertText,
  refuse,
  type Subject,
} from './assert-values.ts'
import { limits } from './limits.ts'

const movers: readonly MovedBy[] = ['trigger', 'step', 'callback', 'timeout', 'join', 'person', 'engine']
const pausers: readonly RunPause['by'][] = ['person', 'engine']

/** Throws `InvalidArgument` for a change whose parts contradict each other or cannot be stored. */
export function assertChange(change: Change, unitId: string): void {
  const next = change.next
  const subject: Subject = () => `unit ${JSON.stringify(unitId)}, run ${JSON.stringify(next.runId)}`
  assertRecord(next, subject)
  const version = change.expect === 'absent' ? 1 : change.expect + 1
  if (change.expect !== 'absent') assertInteger(change.expect, 1, "expect, where it is not 'absent',", subject)
  if (next.version !== version) refuse(subject, 'next.version', `is ${String(next.version)}, but after ${change.expect} comes ${version}`)
  assertEventFits(change, subject)
  assertHistoryFits(change, unitId, subject)
  if (change.ifEmpty !== undefined) assertId(change.ifEmpty, 'ifEmpty', subject)
}

function assertRecord(next: NextRecord, subject: Subject): void {
  assertName(next.runId, 'runId', subject)
  assertName(next.workflowName, 'workflowName', subject)
  assertName(next.foreignId, 'foreignId', subject)
  assertName(next.status, 'status', subject)
  assertOneOf(next.runState, runStates, 'runState', subject)
  assertInteger(next.entered.version, 1, 'entered.version', subject)
  if (next.entered.version > next.version)
    refuse(subject, 'entered.version', `is ${next.entered.version}, later than the version ${next.version}`)
  assertDate(next.entered.at, 'entered.at', subject)
  assertInteger(next.repeat, 0, 'repeat', subject)
  assertPayload(next.object, 'object', subject)
  assertMetadata(next.metadata, subject)
  assertText(next.writer.graph, limits.idLength, 'writer.graph', subject)
  assertInteger(next.writer.schema, 0, 'writer.schema', subject)
  assertDate(next.createdAt, 'createdAt', subject)
  assertDate(next.updatedAt, 'updatedAt', subject)
  if (next.traceparent !== undefined) assertId(next.traceparent, 'traceparent', subject)
  if (next.parent !== undefined) {
    assertName(next.parent.workflowName, 'parent.workflowName', subject)
    assertName(next.parent.runId, 'parent.runId', subject)
    assertId(next.parent.join, 'parent.join', subject)
  }
  assertStateFields(next, subject)
}

function assertStateFields(next: NextRecord, subject: Subject): void {
  if ((next.pause !== undefined) !== (next.runState === 'Paused'))
    refuse(subject, 'pause', `must be present exactly when runState is Paused; it is ${next.runState}`)
  if (next.pause !== undefined) {
    assertOneOf(next.pause.by, pausers, 'pause.by', subject)
    assertPayload(next.pause.reason, 'pause.reason', subject)
    if (next.pause.actor !== undefined) assertId(next.pause.actor, 'pause.actor', subject)
    if (next.pause.resumeAt !== undefined) assertDate(next.pause.resumeAt, 'pause.resumeAt', subject)
  }
  if ((next.finishedAt !== undefined) !== isFinished(next.runState))
    refuse(subject, 'finishedAt', `must be present exactly when the run is finished; it is ${next.runState}`)
  if (next.finishedAt !== undefined) assertDate(next.finishedAt, 'finishedAt', subject)
}

function assertMetadata(metadata: Readonly<Record<string, string>>, subject: Subject): void {
  let pairs = 0
  for (const name in metadata) {
    pairs++
    assertId(name, 'a name in metadata', subject)
    assertText(metadata[name], limits.metadataValueLength, 'a value in metadata', subject)
  }
  if (pairs > limits.metadataPairs) refuse(subject, 'metadata', `has ${pairs} pairs; at most ${limits.metadataPairs} can be stored`)
}

function assertEventFits(change: Change, subject: Subject): void {
  const { next, event } = change
  if (event.v !== 1) refuse(subject, "the event's v", `must be 1; got ${String(event.v)}`)
  if (event.kind !== 'transition') refuse(subject, "the event's kind", `must be 'transition', not ${String(event.kind)}`)
  if (event.runId !== next.runId || event.workflowName !== next.workflowName || event.foreignId !== next.foreignId) {
    refuse(
      subject,
      'the event',
      `is about run ${JSON.stringify(event.runId)} of ${JSON.stringify(event.workflowName)}/${JSON.stringify(event.foreignId)}`,
    )
  }
  if (event.version !== next.version) refuse(subject, 'the event', `is about version ${event.version}, the record about ${next.version}`)
  if (event.status !== next.status)
    refuse(subject, 'the event', `says status ${JSON.stringify(event.status)}, the record ${JSON.stringify(next.status)}`)
  assertEventRest(event, subject)
  if (event.states.at(-1) !== next.runState) refuse(subject, "the event's states", `must end with the record's runState ${next.runState}`)
}

function assertHistoryFits(change: Change, unitId: string, subject: Subject): void {
  const { next, history } = change
  if (history.runId !== next.runId) refuse(subject, 'the history entry', `is about run ${JSON.stringify(history.runId)}`)
  if (history.version !== next.version)
    refuse(subject, 'the history entry', `is about version ${history.version}, the record about ${next.version}`)
  if (history.unitId !== unitId) refuse(subject, 'the history entry', `names unit ${JSON.stringify(history.unitId)}`)
  if (history.to !== next.status)
    refuse(subject, 'the history entry', `leads to ${JSON.stringify(history.to)}, the record is at ${JSON.stringify(next.status)}`)
  if (history.from !== undefined) assertName(history.from, "the history entry's from", subject)
  assertStates(history.states, "the history entry's states", subject)
  if (history.states.at(-1) !== next.runState)
    refuse(subject, "the history entry's states", `must end with the record's runState ${next.runState}`)
  assertOneOf(history.by, movers, "the history entry's by", subject)
  assertDate(history.at, "the history entry's at", subject)
  assertInteger(history.attempt, 1, "the history entry's attempt", subject)
  if (history.durationMs !== undefined && !(history.durationMs >= 0))
    refuse(subject, "the history entry's durationMs", `must be 0 or more; got ${history.durationMs}`)
  assertId(history.instance, "the history entry's instance", subject)
  if (history.actor !== undefined) assertId(history.actor, "the history entry's actor", subject)
  if (history.reason !== undefined) assertPayload(history.reason, "the history entry's reason", subject)
  if (history.error !== undefined) assertPayload(history.error, "the history entry's error", subject)
  if (history.object !== undefined) assertPayload(history.object, "the history entry's object", subject)
}
