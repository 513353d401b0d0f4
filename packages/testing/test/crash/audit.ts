/** Compares what the database says with what the world outside it has seen. */
import type { AnySnapshot, RunHistoryEntry, WorkflowClient } from '@workflow/core'
import type { LedgerLine } from './ledger.ts'
import { type Parcel, type Parcels, parcels } from './parcel-workflow.ts'
import { staysOf } from './stays.ts'

export interface Seen {
  /** What the parent was told of triggers and callbacks, by run id. */
  readonly triggered: ReadonlySet<string>
  readonly accepted: ReadonlySet<string>
  readonly ledger: readonly LedgerLine[]
}

/** Every broken promise in words; none is what is hoped for. */
export async function audit(client: WorkflowClient<Parcels>, seen: Seen): Promise<readonly string[]> {
  const faults: string[] = []
  const byRun = Map.groupBy(seen.ledger, ({ runId }) => runId)
  const stored = await allRuns(client)
  for (const runId of seen.triggered) if (!stored.has(runId)) faults.push(`run ${runId} was triggered and is lost`)
  for (const runId of stored.keys()) if (!seen.triggered.has(runId)) faults.push(`run ${runId} was never triggered`)
  for (const runId of byRun.keys()) if (!stored.has(runId)) faults.push(`a handler was called for run ${runId}, which is not stored`)
  for (const run of stored.values()) {
    const entries = await historyOf(client, run.runId)
    const say = (fault: string): void => {
      faults.push(`run ${run.runId}: ${fault}; ${describe(entries)}`)
    }
    checkPath(run, entries, say)
    checkObjects(entries, say)
    checkLedger(run.runId, entries, byRun.get(run.runId) ?? [], say)
    if (seen.accepted.has(run.runId) && !entries.some(({ by }) => by === 'callback')) say('its callback was accepted and never handled')
  }
  return faults
}

async function allRuns(client: WorkflowClient<Parcels>): Promise<ReadonlyMap<string, AnySnapshot>> {
  const runs = new Map<string, AnySnapshot>()
  let cursor: string | undefined
  do {
    const page = await client.list({ order: 'oldest', limit: 1_000, ...(cursor === undefined ? {} : { cursor }) })
    for (const run of page.items) runs.set(run.runId, run)
    cursor = page.cursor
  } while (cursor !== undefined)
  return runs
}

async function historyOf(client: WorkflowClient<Parcels>, runId: string): Promise<readonly RunHistoryEntry[]> {
  return (await client.history(runId, { objects: true, limit: 1_000 })).items
}

/** Versions without gaps, along the edges of the graph, to a legal end, which is where the record is. */
function checkPath(run: AnySnapshot, entries: readonly RunHistoryEntry[], say: (fault: string) => void): void {
  const { transitions } = parcels.graph()
  let state = 'Initiated'
  for (const [i, entry] of entries.entries()) {
    const before = entries[i - 1]
    if (entry.version !== i + 1) say(`version ${entry.version} is where ${i + 1} should be`)
    if (entry.from !== before?.to) say(`version ${entry.version} comes from '${entry.from}', and the one before led to '${before?.to}'`)
    if (before === undefined ? entry.by !== 'trigger' : !isMove(entry, transitions)) say(`version ${entry.version} is no legal move`)
    if (entry.states[0] !== state && !(entry.states.length === 1 && isNext(state, entry.states[0])))
      say(`version ${entry.version} goes on from ${entry.states[0]}, and the run was ${state}`)
    state = entry.states.at(-1) ?? state
  }
  const last = entries.at(-1)
  if (last?.version !== run.version || last.to !== run.status || state !== run.state)
    say(`the record is ${run.state} at '${run.status}' in version ${run.version}`)
  if (run.state !== 'Completed') say(`it has not ended: ${run.state} at '${run.status}'`)
}

function isMove(
  entry: RunHistoryEntry,
  transitions: readonly { readonly from: string; readonly to: string; readonly kind: string }[],
): boolean {
  if (entry.by === 'person' || entry.by === 'engine')
    return entry.from === entry.to && ['Paused', 'Running'].includes(entry.states.at(-1) ?? '')
  // The packing step may ask to be repeated.
  if (entry.from === 'packing' && entry.to === 'packing') return entry.by === 'step'
  return transitions.some(({ from, to, kind }) => from === entry.from && to === entry.to && kind === entry.by)
}

function isNext(state: string, next: string | undefined): boolean {
  return next === state || (state === 'Running' && next === 'Completed')
}

/** Each handler's result was committed exactly once: it counts itself in the object. */
function checkObjects(entries: readonly RunHistoryEntry[], say: (fault: string) => void): void {
  let handled = 0
  for (const { by, version, object } of entries) {
    if (by === 'step' || by === 'callback' || by === 'timeout') handled += 1
    // The cast holds because only this workflow's handlers write these objects.
    const counted = (object as Parcel | undefined)?.handled
    if (counted !== handled) say(`version ${version} has counted ${counted} results, and ${handled} were committed`)
  }
}

/** No transition without its handler; no handler called for a stay, or under a key, that the history does not have. */
function checkLedger(runId: string, entries: readonly RunHistoryEntry[], lines: readonly LedgerLine[], say: (fault: string) => void): void {
  const stays = new Map(staysOf(runId, entries).map((stay) => [stay.key, stay]))
  for (const { key, status, kind } of lines) {
    const stay = stays.get(key)
    if (stay === undefined) say(`a ${kind} was called with the key ${key}, which no stay has`)
    else if (stay.status !== status) say(`a ${kind} was called at '${status}' with the key of a stay at '${stay.status}'`)
  }
  for (const { key, status, endedBy } of stays.values()) {
    if (endedBy !== undefined && !lines.some((line) => line.key === key && line.kind === endedBy.by))
      say(`no ${endedBy.by} was called at '${status}' with the key ${key}, and version ${endedBy.version} is what came of it`)
  }
}

function describe(entries: readonly RunHistoryEntry[]): string {
  return entries
    .map(({ version, by, to, states, attempt }) => `${version} ${by} → ${to} (${states.join(', ')}; attempt ${attempt})`)
    .join(' | ')
}
