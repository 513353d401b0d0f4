import { AwaitTimeout, InvalidArgument, RunFinished } from '../errors.ts'
import type { RunRecord } from '../model/run-record.ts'
import { isFinished } from '../model/run-state.ts'
import { type Duration, durationMs } from '../model/duration.ts'
import type { AnySnapshot } from '../run.ts'
import { find } from './control.ts'
import type { EngineContext } from './engine-context.ts'
import { snapshotOf } from './snapshot.ts'
import { assertRunId, assertStatus } from './trigger.ts'
import { Wake } from './waiting.ts'
import type { Watch } from './watch.ts'

export interface AwaitInput {
  readonly signal?: AbortSignal
  readonly timeout?: Duration
}

/** The run once it has reached one of the statuses, as it was then; also if that was earlier. */
export async function awaitStatus(ctx: EngineContext, watch: Watch, runId: string, statuses: readonly string[], input: AwaitInput, stopped: AbortSignal): Promise<AnySnapshot> {
  for (const status of statuses) assertStatus(ctx, status)
  if (statuses.length === 0) throw new InvalidArgument(`await of run ${runId} of workflow '${ctx.contract.name}' needs at least one status`)
  const wanted = new Set(statuses)
  let seen = 0
  return await untilFound(ctx, watch, runId, input, stopped, `status ${statuses.map((status) => `'${status}'`).join(' or ')}`, async (record) => {
    if (wanted.has(record.status)) return await snapshotOf(ctx, record)
    // The run may have passed through since the last look: its history knows.
    const passed = record.version === seen + 1 ? undefined : await passedThrough(ctx, record, wanted, seen + 1)
    if (passed !== undefined) return passed
    seen = record.version
    if (isFinished(record.runState)) {
      throw new RunFinished(`run ${runId} of workflow '${ctx.contract.name}' is ${record.runState} at '${record.status}' and never reached ${[...wanted].map((status) => `'${status}'`).join(' or ')}`, { details: { runId, status: record.status, runState: record.runState } })
    }
    return undefined
  })
}

/** The run once it has completed. */
export async function awaitCompletion(ctx: EngineContext, watch: Watch, runId: string, input: AwaitInput, stopped: AbortSignal): Promise<AnySnapshot> {
  return await untilFound(ctx, watch, runId, input, stopped, 'completion', async (record) => {
    const exits = ctx.contract.graph.get(record.status)
    const completed = exits !== undefined && Object.keys(exits).length === 0
    if (isFinished(record.runState) && completed) return await snapshotOf(ctx, record)
    if (isFinished(record.runState)) throw new RunFinished(`run ${runId} of workflow '${ctx.contract.name}' was cancelled at '${record.status}'`, { details: { runId, status: record.status, runState: record.runState } })
    return undefined
  })
}

/** Subscribes first, reads second, then looks whenever it is woken; slowly by itself as a net. */
export async function untilFound<T>(ctx: EngineContext, watch: Watch, runId: string, input: AwaitInput, stopped: AbortSignal, what: string, look: (record: RunRecord) => Promise<T | undefined>): Promise<T> {
  assertRunId(ctx, runId)
  const timeoutMs = input.timeout === undefined ? Infinity : durationMs(input.timeout, 'timeout')
  const until = ctx.clock.monotonic() + timeoutMs
  const signal = input.signal === undefined ? stopped : AbortSignal.any([stopped, input.signal])
  signal.throwIfAborted()
  const wake = new Wake()
  let told: RunRecord | undefined
  const watching = await watch.add(runId, (record) => {
    told = record
    wake.set()
  })
  try {
    for (;;) {
      const record: RunRecord = told ?? await find(ctx, runId)
      told = undefined
      const found = await look(record)
      if (found !== undefined) return found
      const leftMs = until - ctx.clock.monotonic()
      if (leftMs <= 0) throw new AwaitTimeout(`run ${runId} of workflow '${ctx.contract.name}' did not reach ${what} within ${input.timeout}: it is ${record.runState} at '${record.status}'`, { details: { runId, status: record.status, runState: record.runState } })
      await wake.wait(ctx.clock, Math.min(leftMs, ctx.awaitPollingMs), signal)
      signal.throwIfAborted()
    }
  } finally {
    watching[Symbol.dispose]()
  }
}

async function passedThrough(ctx: EngineContext, record: RunRecord, wanted: ReadonlySet<string>, fromVersion: number): Promise<AnySnapshot | undefined> {
  for (const status of wanted) {
    const page = await ctx.store.history(record.runId, { status, fromVersion, limit: 1, objects: true })
    const entry = page.items[0]
    const state = entry?.states.at(-1)
    if (entry !== undefined && state !== undefined) {
      return { ...(await snapshotOf(ctx, record, entry.object)), status: entry.to, state, version: entry.version, updatedAt: entry.at }
    }
  }
  return undefined
}
