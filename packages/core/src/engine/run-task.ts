import type { Delivery } from '../ports/event-streamer.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { Timer } from '../model/timer.ts'
import type { LaneTask } from './lanes.ts'

/** A reason to look at a run. */
export interface RunTask extends LaneTask {
  /**
   * `event`: the run reached `version`. `wake`: something beside its version changed. `timer`: a timer is due.
   * `handoff`: this process has just committed `version`, and its event is still on the way.
   */
  readonly cause: 'event' | 'wake' | 'timer' | 'handoff'
  readonly version: number
  /** When the event was made, in milliseconds since the epoch. */
  readonly at: number
  /** Acknowledged once the task is done. */
  readonly delivery?: Delivery<RunEvent>
  readonly timer?: Timer
  readonly record?: RunRecord
}

/** How a task ended. */
export type Verdict =
  /** Acknowledge. */
  | { readonly kind: 'done' }
  /** Somebody else must do it, or we later: leave it unacknowledged. */
  | { readonly kind: 'leave' }
  /** Acknowledge, and go on with what was just committed. */
  | { readonly kind: 'next'; readonly record: RunRecord }
  /** The same once more, with a fresh look at the run. */
  | { readonly kind: 'again' }

export const done: Verdict = { kind: 'done' }
export const leave: Verdict = { kind: 'leave' }
export const again: Verdict = { kind: 'again' }

export function taskOfEvent(delivery: Delivery<RunEvent>): RunTask {
  const { event } = delivery
  return {
    lane: event.runId,
    slot: delivery.slot,
    cause: event.kind === 'wake' ? 'wake' : 'event',
    version: event.version,
    at: event.at.getTime(),
    delivery,
  }
}

export function taskOfHandOff(record: RunRecord, slot: number): RunTask {
  return { lane: record.runId, slot, cause: 'handoff', version: record.version, at: record.updatedAt.getTime(), record }
}

export function taskOfTimer(timer: Timer, end: () => void): RunTask {
  return { end, lane: timer.key.owner, slot: timer.slot, cause: 'timer', version: timer.key.epoch, at: timer.at.getTime(), timer }
}
