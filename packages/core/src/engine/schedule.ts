/**
 * Runs that start at set times. A schedule is a timer that never ends: when it is due, one unit creates the run, with an
 * id that follows from the time, and moves the timer to the next time. So two instances that both believe to own it
 * start one run, and a crash between the two cannot happen.
 */
import { InvalidArgument } from '../errors.ts'
import type { Payload } from '../model/payload.ts'
import { slotOf } from '../model/slot.ts'
import type { StoredTimer, Timer, TimerKey, TimerOp } from '../model/timer.ts'
import type { Committed, Refused, Unit } from '../model/unit.ts'
import { validated } from '../schema.ts'
import { nextTimeOf } from './cron.ts'
import type { EngineContext } from './engine-context.ts'
import { Ids } from './ids.ts'
import { spanOfTrigger } from './span-start.ts'
import { assertForeignId, startOf } from './trigger.ts'
import { committedRecord, creation } from './transition.ts'

export interface ScheduleInput {
  readonly initialValue: unknown
  readonly startAt?: string
  readonly filter?: (firesAt: Date) => Promise<boolean>
  readonly timezone?: string
  readonly catchUp?: boolean
}

/** What is stored of a schedule: enough to fire it, unless part of it is code. */
interface StoredSchedule {
  readonly foreignId: string
  readonly spec: string
  readonly timezone: string
  readonly catchUp: boolean
  readonly startAt?: string
  readonly initialValue?: unknown
  /** A function makes the value, or filters: only instances that registered the schedule can fire it. */
  readonly code: boolean
}

/** Runs code of the user's for no longer than it may take. */
export type Within = <T>(work: () => Promise<T>) => Promise<T>

/** A unit that was to start a run, and what came of it. */
interface Started {
  readonly unit: Unit
  readonly sentAt: number
  readonly result: Committed | Refused
}

/** How a due schedule ended. */
export type Fired = 'fired' | 'skipped' | 'not here' | 'blocked'

export class Schedules {
  readonly #ctx: EngineContext
  /** By owner; what this process has registered. */
  readonly #registered: Map<string, ScheduleInput>

  constructor(ctx: EngineContext, registered: Map<string, ScheduleInput>) {
    this.#ctx = ctx
    this.#registered = registered
  }

  /** Registers a schedule, here and in the store. The same foreign id again replaces it. Returns how to end it. */
  async register(
    foreignId: string,
    spec: string,
    input: ScheduleInput,
    signal: AbortSignal,
  ): Promise<(signal: AbortSignal) => Promise<void>> {
    const ctx = this.#ctx
    assertForeignId(ctx, foreignId)
    if (typeof input !== 'object' || input === null || !('initialValue' in input))
      throw new InvalidArgument(`schedule('${foreignId}') of workflow '${ctx.contract.name}' needs { initialValue }`)
    const timezone = input.timezone ?? 'UTC'
    const next = await nextTimeOf(spec, timezone)
    startOf(ctx, input.startAt)
    const code = typeof input.initialValue === 'function' || input.filter !== undefined
    if (typeof input.initialValue !== 'function')
      await validated(
        ctx.contract.object,
        input.initialValue,
        () => `the initial value of schedule '${foreignId}' of workflow '${ctx.contract.name}'`,
      )
    const owner = this.#ownerOf(foreignId)
    const stored: StoredSchedule = {
      foreignId,
      spec,
      timezone,
      catchUp: input.catchUp ?? false,
      code,
      ...(input.startAt === undefined ? undefined : { startAt: input.startAt }),
      ...(typeof input.initialValue === 'function' ? undefined : { initialValue: input.initialValue }),
    }
    const data = await ctx.codec.encode(stored, { runId: owner, foreignId }, 'timer')
    this.#registered.set(owner, input)
    const key = await this.#put(owner, data, `${spec} ${timezone}`, next, signal)
    return async (until) => {
      this.#registered.delete(owner)
      await ctx.committer.commit({ id: ctx.ids.unit(), timers: [{ settle: key, as: 'cancelled' }] }, until)
    }
  }

  /** Opens the timer, or leaves the one of an earlier registration where it is, so that no time is lost by a restart. */
  async #put(
    owner: string,
    data: Payload,
    name: string,
    next: (afterMs: number) => number | undefined,
    signal: AbortSignal,
  ): Promise<TimerKey> {
    const ctx = this.#ctx
    let epoch = 0
    const ops: TimerOp[] = []
    for (const timer of await this.#timersOf(owner)) {
      epoch = Math.max(epoch, timer.key.epoch + 1)
      if (timer.status !== 'open') continue
      if (timer.key.name === name) {
        // Same times: only what it starts may have changed.
        await ctx.committer.commit(
          { id: ctx.ids.unit(), timers: [{ move: timer.key, at: timer.at, attempt: timer.attempt, data }] },
          signal,
        )
        return timer.key
      }
      ops.push({ settle: timer.key, as: 'cancelled' })
    }
    const at = next(ctx.clock.now())
    if (at === undefined) throw new InvalidArgument(`schedule '${owner}' never comes again`)
    const key: TimerKey = { kind: 'schedule', owner, epoch, name }
    ops.push({
      put: { key, workflowName: ctx.contract.name, slot: slotOf(owner, ctx.slots), at: new Date(at), held: false, attempt: 0, data },
    })
    await ctx.committer.commit({ id: ctx.ids.unit(), timers: ops }, signal)
    return key
  }

  async #timersOf(owner: string): Promise<readonly StoredTimer[]> {
    const timers: StoredTimer[] = []
    let after: string | undefined
    do {
      const page = await this.#ctx.store.timers.list({ owner }, { limit: 100, ...(after === undefined ? undefined : { after }) })
      timers.push(...page.items)
      after = page.next
    } while (after !== undefined)
    return timers
  }

  /** Fires a due schedule. `blocked`: the run before is not finished and none may be left out; try again later. */
  async fire(timer: Timer, signal: AbortSignal, within: Within): Promise<Fired> {
    const ctx = this.#ctx
    const { owner } = timer.key
    if (timer.data === undefined) return 'not here'
    const stored = (await ctx.codec.decode(timer.data, { runId: owner, foreignId: owner }, 'timer')) as StoredSchedule
    const input = this.#registered.get(owner)
    if (stored.code && input === undefined) return 'not here'
    const next = await nextTimeOf(stored.spec, stored.timezone)
    const now = ctx.clock.now()
    const at = stored.catchUp ? timer.at.getTime() : latestDue(timer.at.getTime(), now, next)
    const following = next(at)
    const move: TimerOp =
      following === undefined ? { settle: timer.key, as: 'completed' } : { move: timer.key, at: new Date(following), attempt: 0 }
    const filter = input?.filter
    if (filter !== undefined && !(await within(async () => await filter(new Date(at))))) {
      await ctx.committer.commit({ id: ctx.ids.unit(), timers: [move] }, signal)
      return 'skipped'
    }
    const value: unknown =
      typeof input?.initialValue === 'function' ? (input.initialValue as (firesAt: Date) => unknown)(new Date(at)) : stored.initialValue
    const { unit, result, sentAt } = await this.#start(stored, owner, at, value, move, signal)
    if (result.ok) {
      const change = unit.changes?.[0]
      const [seq] = result.seqs
      if (change !== undefined && seq !== undefined && !result.replayed) {
        const record = committedRecord(change, seq)
        ctx.cache.put(record, sentAt)
        ctx.committed.notify(record, sentAt)
        ctx.measures.moved('timers', undefined, change)
      }
      // The reply to an earlier attempt was lost, or another owner came first: either way the timer must go on.
      if (result.replayed) await ctx.committer.commit({ id: ctx.ids.unit(), timers: [move] }, signal)
      return 'fired'
    }
    if (stored.catchUp && result.reason === 'in-progress') return 'blocked'
    ctx.logger.warn(
      {
        workflow: ctx.contract.name,
        process: 'timers',
        foreignId: stored.foreignId,
        unfinished: result.current?.runId,
        at: new Date(at).toISOString(),
      },
      'a scheduled run was left out: the one before it is not finished',
    )
    await ctx.committer.commit({ id: ctx.ids.unit(), timers: [move] }, signal)
    return 'skipped'
  }

  #start(stored: StoredSchedule, owner: string, at: number, value: unknown, move: TimerOp, signal: AbortSignal): Promise<Started> {
    const { clock, committer, contract, instrumentation } = this.#ctx
    const runId = Ids.derived('schedule', owner, String(at))
    const start = async (traceparent: string | undefined): Promise<Started> => {
      const unit = await this.#unit(stored, runId, at, value, move, traceparent)
      const sentAt = clock.monotonic()
      return { unit, sentAt, result: await committer.commit(unit, signal) }
    }
    return instrumentation.span === undefined
      ? start(undefined)
      : instrumentation.span(spanOfTrigger(contract.name, 'timers', runId, stored.foreignId, undefined), start)
  }

  async #unit(
    stored: StoredSchedule,
    runId: string,
    at: number,
    value: unknown,
    move: TimerOp,
    traceparent: string | undefined,
  ): Promise<Unit> {
    const ctx = this.#ctx
    const id = `schedule/${runId}`
    const checked = await validated(
      ctx.contract.object,
      value,
      () => `the initial value of schedule '${stored.foreignId}' of workflow '${ctx.contract.name}'`,
    )
    const change = creation(ctx, id, {
      runId,
      foreignId: stored.foreignId,
      status: startOf(ctx, stored.startAt),
      object: await ctx.codec.encode(checked, { runId, foreignId: stored.foreignId }),
      metadata: { scheduledFor: new Date(at).toISOString() },
      ...(traceparent === undefined ? undefined : { traceparent }),
    })
    return { id, changes: [change], timers: [move] }
  }

  #ownerOf(foreignId: string): string {
    return `schedule:${this.#ctx.contract.name}:${foreignId}`
  }
}

/** Of the times that have passed, the last: a schedule that nobody was there for fires once, not for every time it missed. */
function latestDue(at: number, now: number, next: (afterMs: number) => number | undefined): number {
  // Look back from now, ever further, instead of forth from then: a schedule of seconds may have slept for a year.
  for (let backMs = 60_000; ; backMs *= 4) {
    const from = Math.max(at, now - backMs)
    let latest: number | undefined
    for (let following = next(from); following !== undefined && following <= now; following = next(following)) latest = following
    if (latest !== undefined) return latest
    if (from === at) return at
  }
}
