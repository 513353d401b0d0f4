import type { RunRecord } from '../model/run-record.ts'
import { slotOf } from '../model/slot.ts'
import type { TimerKey, TimerOp } from '../model/timer.ts'
import type { EngineContext } from './engine-context.ts'

/** A timer of this name asks for the timers of its stay to be opened. No timeout can be called so. */
export const openingName = ' opening'

/**
 * Asks the worker to open the timers of a stay, for somebody who enters it without having their code. Due at once; like any
 * timer it is held while the run is paused, and cancelled when the stay ends.
 */
export function openingTimer(
  ctx: EngineContext,
  record: Pick<RunRecord, 'runId' | 'workflowName'>,
  enteredVersion: number,
  at: Date,
): TimerOp {
  const key: TimerKey = { kind: 'timeout', owner: record.runId, epoch: enteredVersion, name: openingName }
  return { put: { key, workflowName: record.workflowName, slot: slotOf(record.runId, ctx.slots), at, held: false, attempt: 0 } }
}
