import { AwaitTimeout, InvalidArgument, RunFinished } from '../errors.ts'
import type { RunRecord } from '../model/run-record.ts'
import { isFinished, type RunState } from '../model/run-state.ts'
import { type Duration, durationMs } from '../model/duration.ts'
import { shown } from '../model/option-check.ts'
import type { AnySnapshot } from '../run.ts'
import { find } from './find-run.ts'
import type { EngineContext } from './engine-context.ts'
import { snapshotOf } from './snapshot.ts'
import { assertRunId, assertStatus } from './trigger.ts'
import type { Watch, Watcher } from './watch.ts'

export interface AwaitInput {
  readonly signal?: AbortSignal
  readonly timeout?: Duration
}

/** The run once it has reached one of the statuses, as it was then; also if that was earlier. */
export async function awaitStatus(
  ctx: EngineContext,
  watch: Watch,
  runId: string,
  statuses: readonly string[],
  input: AwaitInput,
): Promise<AnySnapshot> {
  if (!Array.isArray(statuses))
    throw new InvalidArgument(`await of workflow '${ctx.contract.name}' needs a status, or a list of statuses; got ${shown(statuses)}`)
  for (const status of statuses) assertStatus(ctx, status)
  if (statuses.length === 0) throw new InvalidArgument(`await of run ${runId} of workflow '${ctx.contract.name}' needs at least one status`)
  const wanted = new Set(statuses)
  let seen = 0
  const wants = (status: string, state: RunState | undefined): boolean => wanted.has(status) || state === undefined || isFinished(state)
  const look = async (record: RunRecord): Promise<AnySnapshot | undefined> => {
    if (wanted.has(record.status)) return await snapshotOf(ctx, record)
    // The run may have passed through since the last look: its history knows.
    const passed = record.version === seen + 1 ? undefined : await passedThrough(ctx, record, wanted, seen + 1)
    if (passed !== undefined) return passed
    seen = record.version
    if (isFinished(record.runState)) {
      throw new RunFinished(
        `run ${runId} of workflow '${ctx.contract.name}' is ${record.runState} at '${record.status}' and never reached ${[...wanted].map((status) => `'${status}'`).join(' or ')}`,
        { details: { runId, status: record.status, runState: record.runState } },
      )
    }
    return undefined
  }
  return await untilFound(ctx, watch, runId, input, { what: `status ${statuses.map((status) => `'${status}'`).join(' or ')}`, wants, look })
}

/** The run once it has completed. */
export function awaitCompletion(ctx: EngineContext, watch: Watch, runId: string, input: AwaitInput): Promise<AnySnapshot> {
  const wants = (_status: string, state: RunState | undefined): boolean => state === undefined || isFinished(state)
  const look = async (record: RunRecord): Promise<AnySnapshot | undefined> => {
    const exits = ctx.contract.graph.get(record.status)
    const completed = exits !== undefined && Object.keys(exits).length === 0
    if (isFinished(record.runState) && completed) return await snapshotOf(ctx, record)
    if (isFinished(record.runState))
      throw new RunFinished(`run ${runId} of workflow '${ctx.contract.name}' was cancelled at '${record.status}'`, {
        details: { runId, status: record.status, runState: record.runState },
      })
    return undefined
  }
  return untilFound(ctx, watch, runId, input, { what: 'completion', wants, look })
}

/** What to look for, and when a look is worth it. */
export interface Search<T> {
  readonly what: string
  readonly wants: (status: string, state: RunState | undefined) => boolean
  readonly look: (record: RunRecord) => Promise<T | undefined>
}

/** Subscribes first, reads second, then looks whenever it is told; slowly by itself as a net. */
export async function untilFound<T>(ctx: EngineContext, watch: Watch, runId: string, input: AwaitInput, search: Search<T>): Promise<T> {
  assertRunId(ctx, runId)
  if (typeof input !== 'object' || input === null)
    throw new InvalidArgument(`the options of an await of workflow '${ctx.contract.name}' must be an object; got ${shown(input)}`)
  if (input.signal !== undefined && !(input.signal instanceof AbortSignal))
    throw new InvalidArgument(`the signal given to workflow '${ctx.contract.name}' must be an AbortSignal; got ${shown(input.signal)}`)
  input.signal?.throwIfAborted()
  const timeoutMs = input.timeout === undefined ? undefined : durationMs(input.timeout, 'timeout')
  const waiting = new Waiting(search.wants)
  const abort = (): void => waiting.end(input.signal?.reason)
  const timer = timeoutMs === undefined ? undefined : ctx.clock.setTimer(timeoutMs, () => waiting.end(timedOut))
  input.signal?.addEventListener('abort', abort, { once: true })
  try {
    // Each of these may hang on what does not answer; the caller's limits hold all the same.
    await waiting.unlessEnded(watch.add(runId, waiting))
    let record = watch.known(runId) ?? (await waiting.unlessEnded(find(ctx, runId)))
    for (;;) {
      const found = await waiting.unlessEnded(search.look(record))
      if (found !== undefined) return found
      record = (await waiting.told()) ?? (await waiting.unlessEnded(find(ctx, runId)))
    }
  } catch (error) {
    if (error !== timedOut) throw error
    const record = await ctx.storeLimit.run(() => find(ctx, runId))
    throw new AwaitTimeout(
      `run ${runId} of workflow '${ctx.contract.name}' did not reach ${search.what} within ${input.timeout}: it is ${record.runState} at '${record.status}'`,
      { details: { runId, status: record.status, runState: record.runState } },
    )
  } finally {
    timer?.[Symbol.dispose]()
    input.signal?.removeEventListener('abort', abort)
    watch.remove(runId, waiting)
  }
}

const timedOut = Symbol('timed out')

/** One wait: remembers the last that it was told until somebody asks. */
class Waiting implements Watcher {
  readonly wants: Watcher['wants']
  #told: { readonly record: RunRecord | undefined } | undefined
  #ended: { readonly reason: unknown } | undefined
  #wake: (() => void) | undefined
  /** Ends what is waited for in between. */
  #fail: ((reason: unknown) => void) | undefined

  constructor(wants: Watcher['wants']) {
    this.wants = wants
  }

  tell(record: RunRecord | undefined): void {
    this.#told = { record }
    this.#wake?.()
  }

  end(reason: unknown): void {
    this.#ended ??= { reason }
    this.#wake?.()
    this.#fail?.(reason)
  }

  /** The outcome of `work`, unless the wait ends first. One at a time. */
  unlessEnded<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) reject(this.#ended.reason)
      this.#fail = reject
      work.then(resolve, reject)
    })
  }

  /** The record that was told, or undefined to look for oneself. Throws the reason once it has ended. */
  async told(): Promise<RunRecord | undefined> {
    if (this.#told === undefined && this.#ended === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#ended !== undefined) throw this.#ended.reason
    const record = this.#told?.record
    this.#told = undefined
    return record
  }
}

async function passedThrough(
  ctx: EngineContext,
  record: RunRecord,
  wanted: ReadonlySet<string>,
  fromVersion: number,
): Promise<AnySnapshot | undefined> {
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
