import { InvalidArgument } from '../errors.ts'
import { isFinished } from '../model/run-state.ts'
import type { Append, Change, Committed, Refused, Unit } from '../model/unit.ts'
import type { RunView } from './run-table.ts'
import type { StoredRun } from './stored-run.ts'

/** What the earlier changes of the same unit have made of a run that a later part asks about. */
type Ahead = ReadonlyMap<string, Change>

const nothingAhead: Ahead = new Map()

/** Decides whether a unit may be written, before anything of it is: undefined means yes. */
export function refusalOf(unit: Unit, runs: RunView): Refused | 'replayed' | undefined {
  const changes = unit.changes ?? []
  for (const [index, change] of changes.entries()) {
    const refusal = changeRefusal(change, unit, runs, changes.length === 1 ? nothingAhead : aheadOf(changes, index))
    if (refusal !== undefined) return refusal
  }
  if (unit.append === undefined || unit.append.length === 0) return undefined
  if (
    changes.length === 0 &&
    unit.append.every((append) => runs.find(append.runId)?.inboxes?.get(append.stream)?.unitOf(append.id) === unit.id)
  )
    return 'replayed'
  const ahead = aheadOf(changes, changes.length)
  for (const append of unit.append) {
    const refusal = appendRefusal(append, runs, ahead)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

/** The answer to a unit that was written before. */
export function replayedAnswer(unit: Unit, runs: RunView, final: boolean): Committed {
  return { ok: true, replayed: true, final, seqs: (unit.changes ?? []).map((change) => runs.find(change.next.runId)?.seq ?? 0n) }
}

function aheadOf(changes: readonly Change[], count: number): Ahead {
  return new Map(changes.slice(0, count).map((change) => [change.next.runId, change]))
}

function changeRefusal(change: Change, unit: Unit, runs: RunView, ahead: Ahead): Refused | 'replayed' | undefined {
  const { expect, next } = change
  const run = runs.find(next.runId)
  if (expect === 'absent' ? run !== undefined : run?.version !== expect) {
    return run?.unitOf(next.version) === unit.id ? 'replayed' : refused('conflict', next.runId, run)
  }
  if (run !== undefined && (run.bare.foreignId !== next.foreignId || run.bare.workflowName !== next.workflowName)) {
    throw new InvalidArgument(
      `unit ${JSON.stringify(unit.id)}, run ${JSON.stringify(next.runId)}: a run keeps its workflow and its foreign id`,
    )
  }
  if ((run === undefined || run.finished) && !isFinished(next.runState)) {
    const other = unfinishedAhead(next.workflowName, next.foreignId, runs, ahead)
    if (other !== undefined) return refused('in-progress', next.runId, runs.find(other.runId))
  }
  if (change.ifEmpty !== undefined && run?.inboxes?.get(change.ifEmpty)?.hasBeyond(consumedBy(unit, next.runId, change.ifEmpty)) === true) {
    return refused('conflict', next.runId, run)
  }
  return undefined
}

/** Who has the foreign id, after the earlier changes of the unit. */
function unfinishedAhead(workflowName: string, foreignId: string, runs: RunView, ahead: Ahead): { readonly runId: string } | undefined {
  const stored = runs.unfinishedOf(workflowName, foreignId)
  if (ahead.size === 0) return stored
  for (const { next } of ahead.values()) {
    if (next.workflowName === workflowName && next.foreignId === foreignId && !isFinished(next.runState)) return next
  }
  const moved = stored === undefined ? undefined : ahead.get(stored.runId)
  return moved !== undefined && isFinished(moved.next.runState) ? undefined : stored
}

function consumedBy(unit: Unit, runId: string, stream: string): number {
  let through = 0
  for (const consume of unit.consume ?? [])
    if (consume.runId === runId && consume.stream === stream) through = Math.max(through, consume.through)
  return through
}

function appendRefusal(append: Append, runs: RunView, ahead: Ahead): Refused | undefined {
  const run = runs.find(append.runId)
  // The same item again changes nothing, whatever has become of the run meanwhile.
  if (run?.inboxes?.get(append.stream)?.unitOf(append.id) !== undefined) return undefined
  const next = ahead.get(append.runId)?.next
  const version = next?.version ?? run?.version
  const runState = next?.runState ?? run?.bare.runState
  if (runState === undefined || (append.ifUnfinished && isFinished(runState))) return refused('finished', append.runId, run)
  if (append.ifVersion !== undefined && append.ifVersion !== version) return refused('conflict', append.runId, run)
  return undefined
}

function refused(reason: Refused['reason'], runId: string, run: StoredRun | undefined): Refused {
  return { ok: false, reason, runId, current: run?.current() }
}
