import type { RunEvent } from '../model/run-event.ts'
import type { TimerOp } from '../model/timer.ts'
import type { Unit } from '../model/unit.ts'
import type { RunView } from './run-table.ts'

/** Where the parts of a unit go that are not part of a run. */
export interface UnitEffects {
  readonly timers: (ops: readonly TimerOp[]) => void
  readonly event: (event: RunEvent) => void
}

/** Writes a unit of which it was decided that it may be written. Cannot fail half-way. Answers the `seq` of each changed run. */
export function applyUnit(unit: Unit, runs: RunView, effects: UnitEffects): bigint[] {
  const seqs: bigint[] = []
  if (unit.changes !== undefined) {
    for (const change of unit.changes) {
      const existing = runs.edit(change.next.runId)
      if (existing !== undefined) runs.move(existing, change)
      seqs.push((existing ?? runs.create(change)).seq)
    }
  }
  if (unit.append !== undefined) for (const append of unit.append) runs.edit(append.runId)?.append(append, unit.id)
  if (unit.consume !== undefined)
    for (const consume of unit.consume) runs.edit(consume.runId)?.inboxes?.get(consume.stream)?.consume(consume.through)
  if (unit.timers !== undefined) effects.timers(unit.timers)
  if (unit.attempts !== undefined) for (const note of unit.attempts) runs.edit(note.runId)?.note(note)
  if (unit.changes !== undefined) for (const change of unit.changes) effects.event(change.event)
  if (unit.emit !== undefined) for (const event of unit.emit) effects.event(event)
  return seqs
}
