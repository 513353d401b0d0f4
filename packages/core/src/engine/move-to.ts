/**
 * Moves a run by hand to another status of its graph: back, to run again what went wrong, or forward, past what cannot be
 * done. One unit over exactly the version that was looked at: a handler that is still at work on that version commits
 * nothing any more. Whoever moves may have no code for the timers of the new stay, so a timer that is due at once asks
 * the worker to open them; a crash in between leaves that timer open.
 */
import { Contention, IllegalMove } from '../errors.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { TimerOp } from '../model/timer.ts'
import type { MovePreview, PastMove } from '../run-move.ts'
import type { CallbackBody } from './callback-item.ts'
import { type AuditInput, assertAudit, assertVersion, triesMax } from './control.ts'
import { find } from './find-run.ts'
import type { EngineContext } from './engine-context.ts'
import { openingTimer } from './opening-timer.ts'
import { runTimersOf } from './run-timers.ts'
import { advance, committedRecord, parentWake } from './transition.ts'
import { assertRunId, assertStatus } from './trigger.ts'
import { callbackStream, joinOf } from './worker-context.ts'

const pageMax = 1_000

export async function moveTo(ctx: EngineContext, runId: string, status: string, audit: AuditInput, signal: AbortSignal): Promise<void> {
  assertRunId(ctx, runId)
  assertStatus(ctx, status)
  assertAudit(ctx, 'move', audit)
  for (let tries = 0; tries < triesMax; tries++) {
    const record = await find(ctx, runId)
    assertVersion(ctx, record, audit)
    assertMovable(ctx, record)
    if (await move(ctx, record, status, audit, signal)) return
  }
  throw new Contention(`run ${runId} of workflow '${ctx.contract.name}' kept moving while it was to be moved to '${status}': try again`, {
    details: { runId },
  })
}

async function move(ctx: EngineContext, record: RunRecord, to: string, audit: AuditInput, signal: AbortSignal): Promise<boolean> {
  const id = ctx.ids.unit()
  const reason = await ctx.codec.encodeReason(audit.reason, record)
  const change = advance(ctx, id, record, {
    to,
    object: record.object,
    note: { by: 'person', attempt: 1, actor: audit.actor, reason },
    stay: 'enter',
  })
  const timers: TimerOp[] = [{ cancelOwner: record.runId }]
  if (ctx.contract.graph.get(to)?.timeout !== undefined) timers.push(openingTimer(ctx, record, change.next.version, change.next.updatedAt))
  const wake = change.next.runState === 'Completed' ? parentWake(ctx, record) : undefined
  const sentAt = ctx.clock.monotonic()
  const result = await ctx.committer.commit(
    { id, changes: [change], timers, ...(wake === undefined ? undefined : { emit: [wake] }) },
    signal,
  )
  ctx.cache.forget(record)
  if (!result.ok) return false
  if (record.runState !== change.next.runState) ctx.measures.moved('control', record.runState, change)
  const [seq] = result.seqs
  if (seq !== undefined) ctx.committed.notify(committedRecord(change, seq), sentAt)
  return true
}

/** Reads only. From several places that may move meanwhile: `version` says of which state it speaks. */
export async function previewMove(ctx: EngineContext, runId: string, to: string): Promise<MovePreview> {
  assertRunId(ctx, runId)
  assertStatus(ctx, to)
  const record = await find(ctx, runId)
  assertMovable(ctx, record)
  const last = record.status === to ? record.version : await lastAt(ctx, record, to)
  const direction = record.status === to ? 'again' : last === undefined ? 'forward' : 'back'
  const exits = ctx.contract.graph.get(record.status)
  const [runsAgain, open, refuses, orphans] = await Promise.all([
    last === undefined ? [] : movesSince(ctx, record, last),
    runTimersOf(ctx, runId, { status: 'open' }, { limit: pageMax }),
    exits?.callback === undefined ? 0 : acceptedFor(ctx, record),
    exits?.join === undefined ? 0 : ctx.store.unfinishedChildren(runId, joinOf(record.status, record.entered.version), pageMax),
  ])
  return {
    runId,
    foreignId: record.foreignId,
    version: record.version,
    state: record.runState,
    from: record.status,
    to,
    direction,
    completes: Object.keys(ctx.contract.graph.get(to) ?? {}).length === 0,
    runsAgain,
    skips: direction === 'forward' ? between(ctx, record.status, to) : [],
    cancels: open.items,
    refuses,
    orphans,
  }
}

function assertMovable(ctx: EngineContext, record: RunRecord): void {
  const failed = record.attempts?.some((note) => note.kind === 'failed') === true
  if (record.runState === 'Paused' || (failed && (record.runState === 'Initiated' || record.runState === 'Running'))) return
  const way =
    record.runState === 'Initiated' || record.runState === 'Running'
      ? 'it is at work: pause it first'
      : `it is ${record.runState}: start it anew with retry()`
  throw new IllegalMove(
    `cannot move run ${record.runId} of workflow '${ctx.contract.name}' by hand: ${record.runState === 'DataDeleted' || record.runState === 'RequestedDataDeleted' ? 'its data is deleted' : way}`,
    { details: { runId: record.runId, runState: record.runState } },
  )
}

/** The last version at which the run was at a status; undefined if it never was. */
async function lastAt(ctx: EngineContext, record: RunRecord, status: string): Promise<number | undefined> {
  let after: string | undefined
  let last: number | undefined
  do {
    const page = await ctx.store.history(record.runId, {
      status,
      objects: false,
      limit: pageMax,
      ...(after === undefined ? undefined : { after }),
    })
    last = page.items.at(-1)?.version ?? last
    after = page.next
  } while (after !== undefined)
  return last
}

async function movesSince(ctx: EngineContext, record: RunRecord, version: number): Promise<readonly PastMove[]> {
  const fromVersion = Math.max(version, record.version - pageMax) + 1
  const page = await ctx.store.history(record.runId, { fromVersion, objects: false, limit: pageMax })
  return page.items.flatMap(({ version: at, by, from, to, at: time }) =>
    from !== undefined && (by === 'step' || by === 'callback' || by === 'timeout' || by === 'join')
      ? [{ version: at, by, from, to, at: time }]
      : [],
  )
}

/** How many callbacks of the inbox were accepted for this stay and for no other. */
async function acceptedFor(ctx: EngineContext, record: RunRecord): Promise<number> {
  const page = await ctx.store.items(record.runId, callbackStream(record.status), { limit: pageMax })
  const bodies = await Promise.all(page.items.map((item) => ctx.codec.decode(item.body, record, 'item')))
  return bodies.filter((body) => (body as CallbackBody | undefined)?.entered === record.entered.version).length
}

/** The statuses between two in the graph, by the shortest way, breadth first. */
function between(ctx: EngineContext, from: string, to: string): readonly string[] | undefined {
  const before = new Map<string, string>()
  const queue = [from]
  for (const status of queue) {
    for (const next of Object.values(ctx.contract.graph.get(status) ?? {}).flat()) {
      if (next === from || before.has(next)) continue
      before.set(next, status)
      if (next === to) {
        const way: string[] = []
        for (let at = before.get(to); at !== undefined && at !== from; at = before.get(at)) way.unshift(at)
        return way
      }
      queue.push(next)
    }
  }
  return undefined
}
