import type { RunEvent } from '../model/run-event.ts'
import { runStates, type RunState } from '../model/run-state.ts'
import { assertDate, assertId, assertInteger, assertName, assertOneOf, assertSlot, refuse, type Subject } from './assert-values.ts'

/** Throws `InvalidArgument` for an event that cannot be stored, or that no receiver could make sense of. */
export function assertEvent(event: RunEvent, subject: Subject): void {
  assertOneOf(event.v, [1], "the event's v", subject)
  assertOneOf(event.kind, ['transition', 'wake', 'reemit'], "the event's kind", subject)
  assertName(event.workflowName, "the event's workflowName", subject)
  assertName(event.foreignId, "the event's foreignId", subject)
  assertName(event.runId, "the event's runId", subject)
  assertInteger(event.version, 1, "the event's version", subject)
  assertName(event.status, "the event's status", subject)
  assertEventRest(event, subject)
}

/** What `assertEvent` checks beyond the fields that an event shares with its record. */
export function assertEventRest(event: RunEvent, subject: Subject): void {
  if (event.previousStatus !== undefined) assertName(event.previousStatus, "the event's previousStatus", subject)
  assertStates(event.states, "the event's states", subject)
  if (!Array.isArray(event.topics)) refuse(subject, "the event's topics", 'must be a list')
  for (const topic of event.topics) assertId(topic, "the event's topic", subject)
  assertSlot(event.slot, "the event's slot", subject)
  assertDate(event.at, "the event's at", subject)
  if (event.traceparent !== undefined) assertId(event.traceparent, "the event's traceparent", subject)
}

/** Throws unless `states` is a list of run states. Empty is fine for events that repeat a version. */
export function assertStates(states: readonly RunState[], part: string, subject: Subject): void {
  if (!Array.isArray(states)) refuse(subject, part, 'must be a list')
  for (const state of states) {
    if (!runStates.includes(state)) refuse(subject, part, `must be run states; got ${String(state)}`)
  }
}
