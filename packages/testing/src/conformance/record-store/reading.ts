/** Shorthands for looking at what a store holds. */
import type {
  CommitResult,
  Committed,
  HistoryEntry,
  NextRecord,
  RecordStore,
  Refused,
  RunEvent,
  RunRecord,
  StoredItem,
  StoredTimer,
  Unit,
} from '@workflow/core/adapter'
import { checkEqual, checkThat } from '../check.ts'
import { allPages } from '../paging.ts'
import { createUnit, eventOf, moved, moveUnit, newId, newRun } from '../runs.ts'

/** Commits, and throws unless the answer is `ok`. */
export async function commitOk(
  store: RecordStore,
  unit: Unit,
  promise = 'commit writes a unit that nothing stands against',
): Promise<Committed> {
  return checkOk(await store.commit(unit), promise)
}

/** Throws unless the answer is `ok`. */
export function checkOk(result: CommitResult, promise: string): Committed {
  if (result.ok) return result
  checkThat(false, promise, `it was refused: ${result.reason}`)
}

/** Throws unless the answer is a refusal for this reason that names this run. */
export function checkRefused(result: CommitResult, reason: Refused['reason'], runId: string, promise: string): Refused {
  checkEqual(result.ok ? 'ok' : result.reason, reason, promise)
  const refused = result as Refused // Holds: the reason has just been compared.
  checkEqual(refused.runId, runId, 'a refusal names the run that the refused part is about')
  return refused
}

/** Creates a run and takes it to a version. */
export async function runAt(store: RecordStore, first: NextRecord, version = 1): Promise<NextRecord> {
  await commitOk(store, createUnit(first))
  let record = first
  while (record.version < version) {
    const next = moved(record)
    await commitOk(store, moveUnit(record, next))
    record = next
  }
  return record
}

/** A stored record without what only the store gives. */
export function withoutSeq(record: RunRecord | undefined): unknown {
  if (record === undefined) return undefined
  const { seq: _seq, ...rest } = record
  return rest
}

export function allHistory(store: RecordStore, runId: string, objects = true): Promise<readonly HistoryEntry[]> {
  return allPages((page) => store.history(runId, { ...page, objects }), 100)
}

export function allItems(store: RecordStore, runId: string, stream = 'inbox'): Promise<readonly StoredItem[]> {
  return allPages((page) => store.items(runId, stream, page), 100)
}

export function allTimers(store: RecordStore, owner: string): Promise<readonly StoredTimer[]> {
  return allPages((page) => store.timers.list({ owner }, page), 100)
}

/** Everything that can be read about a run, for "nothing changed". */
export async function everything(store: RecordStore, runId: string): Promise<unknown> {
  return {
    record: await store.lookup(runId),
    history: await allHistory(store, runId),
    items: await allItems(store, runId),
    timers: await allTimers(store, runId),
  }
}

/** So many times nothing happens before the kit gives up on what must come. */
const quietsMax = 200

/** The events of a workflow that the outbox has, acknowledged by nobody. The receiver is gone afterwards. */
export async function outboxEvents(
  store: RecordStore,
  workflowName: string,
  slotsCount: number,
  quiet: () => Promise<void>,
): Promise<readonly RunEvent[]> {
  // Until this one has come it is too early to believe that nothing comes: a busy machine reads late.
  const mark = eventOf(newRun({ workflowName }), undefined, { kind: 'wake', topics: [], states: [] })
  await commitOk(store, { id: newId('unit'), emit: [mark] })
  const claims = Array.from({ length: slotsCount }, (_, slot) => ({ slot, fence: { role: `outbox/${slot}`, domain: 'kit', token: 1n } }))
  await using receiver = await store.outbox.newReceiver({ workflowName, claims })
  const events: RunEvent[] = []
  let isMarked = false
  for (let quiets = 0; quiets < quietsMax; ) {
    const stop = new AbortController()
    const batch = receiver.receive({ max: 1_000, signal: stop.signal }).catch((error: unknown) => {
      if (stop.signal.aborted) return undefined
      throw error
    })
    let settled = false
    const settle = (): void => {
      settled = true
    }
    batch.then(settle, settle)
    while (!settled && quiets < quietsMax) {
      await quiet()
      quiets += 1
      if (isMarked) break
    }
    if (!settled) stop.abort()
    const deliveries = await batch
    if (deliveries === undefined) break
    events.push(...deliveries.map(({ event }) => event))
    isMarked = events.some(({ runId }) => runId === mark.runId)
  }
  checkThat(isMarked, 'what was committed comes through the outbox')
  return events.filter(({ runId }) => runId !== mark.runId)
}
