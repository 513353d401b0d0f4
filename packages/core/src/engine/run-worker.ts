/**
 * What to do about one run, for whatever reason somebody looked: read the record, decide by its state and status, act.
 * Every reason (event, duplicate, wake-up, timer, hand-off) takes this one way, so that none of them can do what the
 * record does not call for. A crash anywhere leaves the delivery unacknowledged and the timer open.
 */
import { isWorkflowError, LeaseLost } from '../errors.ts'
import type { AnyHandler } from '../model/definition.ts'
import type { RunRecord } from '../model/run-record.ts'
import { isFinished } from '../model/run-state.ts'
import type { Timer, TimerOp } from '../model/timer.ts'
import { validated } from '../schema.ts'
import { acknowledge } from './acknowledge.ts'
import { attempt } from './attempt.ts'
import { type Attempt, noHandler } from './attempt-task.ts'
import { failuresOf, noteOf } from './attempt-notes.ts'
import type { PendingCallback } from './callback-item.ts'
import { deleteData } from './data-deletion.ts'
import { fail, mayPark, park, retryName, retryTimer, settleRetry, timerOf } from './failure.ts'
import type { HandlerRun } from './handler-run.ts'
import { childrenOf } from './join.ts'
import type { Lane } from './lanes.ts'
import { nextCallback } from './next-callback.ts'
import { resumeByTimer } from './resume.ts'
import { runFields } from './log-fields.ts'
import type { SkipReason } from './measures.ts'
import type { Process } from './process.ts'
import { again, done, leave, type RunTask, taskOfHandOff, type Verdict } from './run-task.ts'
import type { HeldSlot } from './slots.ts'
import { openingName } from './opening-timer.ts'
import { startTimers } from './start-timers.ts'
import { readRecord } from './read-record.ts'
import { taskFields } from './task-fields.ts'
import { sleep, turn } from './waiting.ts'
import { joinOf, processNames, processOf, type WorkerContext } from './worker-context.ts'

/** How long a doubtful lease has to become valid again, and how long the slot rests if it does not. */
const invalidMs = 500
/** How long a timer that only other code knows is put off. */
const foreignMs = 60_000
/** How long this instance leaves a slot to newer code. */
const newerCodeMs = 10_000
/** How long a run waits for a store that cannot be reached, before it asks again. */
const awayMs = 1_000
/** After an error that is nobody's attempt the slot rests, so that the delivery comes back later. */
const brokenMs = 5_000
/** After so many hand-offs the rest of the process has a turn. */
const turnEvery = 512

/** What runs at a status, looked up once for all runs. */
interface Handling {
  readonly process: Process
  readonly handler: AnyHandler
}

export class RunWorker {
  readonly #ctx: WorkerContext
  #sinceTurn = 0
  #turn: Promise<void> | undefined

  readonly #steps: ReadonlyMap<string, Handling>
  readonly #joins: ReadonlyMap<string, Handling>

  /** `ctx.processes` is complete. */
  constructor(ctx: WorkerContext) {
    this.#ctx = ctx
    const { steps, joins } = ctx.definition
    const handling = (kind: 'step' | 'join', status: string, handler: AnyHandler): readonly [string, Handling] => [
      status,
      { handler, process: processOf(ctx, processNames[kind](status)) },
    ]
    this.#steps = new Map(Array.from(steps, ([status, { handler }]) => handling('step', status, handler)))
    this.#joins = new Map(Array.from(joins, ([status, { handler }]) => handling('join', status, handler)))
  }

  /** Never rejects: what cannot be handled is left to be delivered again. */
  async work(task: RunTask, lane: Lane<RunTask>): Promise<void> {
    lane.waitedMs = 0
    for (let current: RunTask | undefined = task; current !== undefined; ) {
      if (++this.#sinceTurn >= turnEvery) await this.#letOthers()
      let verdict: Verdict
      lane.seen = lane.queue.length
      try {
        // Awaited only where there is something to wait for.
        const looked = this.#look(current, lane)
        verdict = looked instanceof Promise ? await looked : looked
      } catch (error) {
        verdict = await this.#broken(current, error)
      }
      current = this.#following(current, verdict, lane)
    }
  }

  /** What is left to do after a verdict; acknowledges what is done. */
  #following(task: RunTask, verdict: Verdict, lane: Lane<RunTask>): RunTask | undefined {
    if (verdict.kind === 'leave') {
      // What is left unacknowledged comes again only when its slot changes hands; where that was to come anyway, this does nothing.
      if (task.delivery !== undefined) this.#ctx.slotKeeper.open(task.slot)?.resign(invalidMs, 'some of its work was left in the middle')
      return undefined
    }
    if (verdict.kind === 'again') {
      const { record: _stale, ...same } = task
      return task.cause === 'handoff' ? { ...same, cause: 'event' } : same
    }
    if (task.delivery !== undefined) acknowledge(this.#ctx, task.delivery)
    lane.waitedMs = 0
    return verdict.kind === 'next' ? taskOfHandOff(verdict.record, task.slot) : undefined
  }

  #look(task: RunTask, lane: Lane<RunTask>): Verdict | Promise<Verdict> {
    const ctx = this.#ctx
    const held = ctx.slotKeeper.open(task.slot)
    if (held === undefined) return leave
    if (!held.lease.isValid()) return this.#whenValid(held)
    if (task.cause === 'event' && ctx.cache.newestVersion(task.lane) > task.version) return this.#skipped('already handled')
    const record = task.record ?? (task.cause === 'event' ? ctx.cache.fresh(task.lane, task.version, held.since) : undefined)
    return record === undefined ? this.#readFirst(task, lane, held) : this.#judge(task, lane, held, record)
  }

  /**
   * A lease may be doubtful for no worse reason than that nobody has had a turn to renew it. If it stays so, the slot is
   * given back: what is left here must come again, wherever the role goes.
   */
  async #whenValid(held: HeldSlot): Promise<Verdict> {
    await sleep(this.#ctx.clock, invalidMs, held.signal).catch(() => undefined)
    if (held.lease.isValid() && !held.draining) return again
    held.resign(invalidMs, 'its lease was not valid')
    return leave
  }

  async #readFirst(task: RunTask, lane: Lane<RunTask>, held: HeldSlot): Promise<Verdict> {
    const record = await readRecord(this.#ctx, task, held)
    return record === undefined ? await this.#missing(task) : await this.#judge(task, lane, held, record)
  }

  #judge(task: RunTask, lane: Lane<RunTask>, held: HeldSlot, record: RunRecord): Verdict | Promise<Verdict> {
    const ctx = this.#ctx
    if (record.workflowName !== ctx.contract.name) return done
    if (task.cause !== 'wake' && record.version > task.version && task.timer?.key.kind !== 'timeout') return this.#stale(task, record)
    if (record.writer.schema > ctx.contract.schemaVersion) {
      held.resign(
        newerCodeMs,
        `run ${record.runId} was written by schema version ${record.writer.schema}, and this code knows ${ctx.contract.schemaVersion}`,
      )
      return leave
    }
    const exits = ctx.contract.graph.get(record.status)
    // The common case: a run at a status that only a step leaves.
    if (
      exits?.step !== undefined &&
      (record.runState === 'Running' || record.runState === 'Initiated') &&
      exits.callback === undefined &&
      exits.timeout === undefined &&
      exits.join === undefined
    )
      return this.#run(task, lane, held, record, 'step')
    return this.#act(task, lane, held, record)
  }

  async #act(task: RunTask, lane: Lane<RunTask>, held: HeldSlot, record: RunRecord): Promise<Verdict> {
    const ctx = this.#ctx
    if (record.runState === 'RequestedDataDeleted') return await this.#deletion(task, lane, held, record)
    if (record.runState === 'Paused' && task.timer?.key.kind === 'resume') return await resumeByTimer(ctx, record, task.timer, held.signal)
    if (isFinished(record.runState) || record.runState === 'Paused') return await this.#stale(task, record)
    const exits = ctx.contract.graph.get(record.status)
    if (exits === undefined) {
      ctx.logger.error(
        { ...runFields(record, 'runs'), status: record.status },
        'the run is at a status that this code does not have: it waits for code that does',
      )
      return done
    }
    if (exits.callback !== undefined) {
      const item = await nextCallback({ ctx, held, record, task, lane })
      if (item !== undefined) return 'stored' in item ? await this.#callback(task, lane, held, record, item) : item
    }
    if (record.entered.version === 1 && exits.timeout !== undefined && task.timer?.key.kind !== 'timeout') {
      const failed = await startTimers({ ctx, held, record, task, lane }, 'step', (a) => this.#due(a))
      if (failed !== undefined) return failed
    }
    if (task.timer?.key.kind === 'timeout') return await this.#timeout(task, lane, held, record)
    if (exits.join !== undefined) {
      const unfinished = await ctx.store.unfinishedChildren(record.runId, joinOf(record.status, record.entered.version), 1)
      if (unfinished === 0) return await this.#run(task, lane, held, record, 'join')
    }
    if (exits.step !== undefined) return await this.#run(task, lane, held, record, 'step')
    return await this.#settleTimer(task)
  }

  #run(task: RunTask, lane: Lane<RunTask>, held: HeldSlot, record: RunRecord, kind: 'step' | 'join'): Verdict | Promise<Verdict> {
    const ctx = this.#ctx
    const handling = (kind === 'step' ? this.#steps : this.#joins).get(record.status)
    if (handling === undefined) return done
    const { process, handler } = handling
    if (record.attempts !== undefined && noteOf(record, process.name)?.kind === 'skipped') return this.#settleTimer(task)
    // The casts hold because the builder has checked the definition: the handlers of a status take its runs.
    const invoke =
      kind === 'step'
        ? (handler as Attempt['invoke'])
        : async (run: HandlerRun) => {
            const children = await childrenOf(ctx, record)
            run.throwIfOver()
            if (!held.lease.isValid()) throw new LeaseLost(`the role of run ${record.runId} ended while its children were listed`)
            return await handler(run as never, children as never)
          }
    return this.#whenDue({ ctx, process, held, record, task, lane, kind, invoke })
  }

  #whenDue(a: Attempt): Promise<Verdict> {
    if (a.record.attempts === undefined && a.process.options.consumeLagMs === 0) return attempt(a)
    return this.#due(a).then((verdict) => verdict ?? attempt(a))
  }

  async #callback(task: RunTask, lane: Lane<RunTask>, held: HeldSlot, record: RunRecord, item: PendingCallback): Promise<Verdict> {
    const ctx = this.#ctx
    const handlers = ctx.definition.callbacks.get(record.status) ?? []
    const process = processOf(ctx, processNames.callback(record.status))
    const schema = ctx.contract.payloads.get(record.status)
    const invoke = async (run: HandlerRun): Promise<unknown> => {
      const payload =
        schema === undefined
          ? undefined
          : validated(schema, item.body.payload, () => `the payload of a callback for '${record.status}' of run ${record.runId}`)
      const value = payload instanceof Promise ? await payload : payload
      let outcome: unknown
      for (const { handler } of handlers) {
        run.throwIfOver()
        run.forgetMade()
        outcome = await handler(run as never, value as never)
        // The first that decides ends the round; each that skips leaves the payload to the next.
        if (
          run.made !== outcome ||
          typeof outcome !== 'object' ||
          outcome === null ||
          (outcome as { '~outcome'?: unknown })['~outcome'] !== 'skip'
        )
          break
      }
      return outcome
    }
    const a = { ctx, process, held, record, task, lane, kind: 'callback' as const, invoke, item }
    return await this.#whenDue(a)
  }

  async #timeout(task: RunTask, lane: Lane<RunTask>, held: HeldSlot, record: RunRecord): Promise<Verdict> {
    const ctx = this.#ctx
    const key = task.timer?.key
    const model = ctx.definition.timeouts.get(record.status)?.find((timeout) => timeout.name === key?.name)
    // An earlier stay's timer, or one that this code no longer has.
    if (task.timer === undefined || key === undefined || key.epoch !== record.entered.version) return await this.#stale(task, record)
    if (key.name === openingName) {
      const failed = await startTimers({ ctx, held, record, task, lane }, 'timeout', (a) => this.#due(a))
      return failed ?? (await this.#settleTimer(task))
    }
    if (model === undefined)
      return await this.#postpone(record, task.timer, held, `this code has no timeout '${key.name}' at '${record.status}'`)
    const process = processOf(ctx, processNames.timeout(record.status, model.name))
    // A back-off that is waited out in place leaves the timer as it is, due: whoever else comes by has to wait for it, too.
    return await this.#whenDue({ ctx, process, held, record, task, lane, kind: 'timeout', invoke: (run) => model.handler(run as never) })
  }

  /** Whether it is time: a back-off that is not over, an event that is to be handled with a lag. Undefined = now. */
  async #due(a: Attempt): Promise<Verdict | undefined> {
    const ctx = this.#ctx
    const now = ctx.clock.now()
    const note = noteOf(a.record, a.process.name)
    const timer = a.task.timer?.key
    // Another process of the same stay may have failed as often, and its retry is not this one's.
    const retryAt = note?.kind === 'failed' ? note.retryAt : undefined
    const isItsRetry =
      retryAt !== undefined && timer?.kind === 'retry' && timer.name === retryName(a.process.name, note?.attempt ?? 0, retryAt)
    const retryInMs = retryAt === undefined || isItsRetry ? 0 : retryAt.getTime() - now
    const lagMs =
      a.process.options.consumeLagMs === 0 || a.task.timer !== undefined
        ? 0
        : a.record.updatedAt.getTime() + a.process.options.consumeLagMs - now
    const waitMs = Math.max(retryInMs, lagMs)
    if (waitMs <= 0) return undefined
    if (a.task.timer?.key.kind === 'timeout') {
      // A timeout that waits, for its own retry or for a callback before it: it comes again when that one does, and is not lost.
      await ctx.committer.commit(
        { id: ctx.ids.unit(), timers: [{ move: a.task.timer.key, at: new Date(now + waitMs), attempt: a.task.timer.attempt }] },
        a.held.signal,
      )
      return done
    }
    if (waitMs <= ctx.retryInPlaceMs && mayPark(ctx)) return await park(a, waitMs)
    // Not in the window, which others need. A retry that has its timer already keeps it.
    const put =
      lagMs >= retryInMs || note === undefined
        ? timerOf(a, 'retry', a.record.version, `${a.process.name}#lag`, new Date(now + lagMs), 0)
        : retryTimer(a, new Date(now + retryInMs), note.attempt)
    await ctx.committer.commit({ id: ctx.ids.unit(), timers: [...settleRetry(a), { put }] }, a.held.signal)
    ctx.timersChanged([{ put }])
    return done
  }

  /** A timer that other code knows: it waits for that code, and is looked at again now and then. */
  async #postpone(record: RunRecord, timer: Timer, held: HeldSlot, reason: string): Promise<Verdict> {
    const ctx = this.#ctx
    ctx.logger.warn(
      { ...runFields(record, processNames.timeout(record.status, timer.key.name)), timer: timer.key.name, reason },
      'a timer is due that this code cannot handle: leaving it to code that can',
    )
    await ctx.committer.commit(
      { id: ctx.ids.unit(), timers: [{ move: timer.key, at: new Date(ctx.clock.now() + foreignMs), attempt: timer.attempt }] },
      held.signal,
    )
    return done
  }

  /** A scrubber that throws is tried again like any handler; nothing else can be done for a run that is finished. */
  async #deletion(task: RunTask, lane: Lane<RunTask>, held: HeldSlot, record: RunRecord): Promise<Verdict> {
    const ctx = this.#ctx
    const a: Attempt = { ctx, process: processOf(ctx, processNames.deletion), held, record, task, lane, kind: 'step', invoke: noHandler }
    const wait = record.attempts === undefined ? undefined : await this.#due(a)
    if (wait !== undefined) return wait
    const startedAt = ctx.clock.now()
    try {
      return await deleteData(ctx, record, task.timer, held.signal)
    } catch (error) {
      if (isWorkflowError(error) && error.retryable && error.code !== 'DeadlineExceeded') throw error
      return await fail(a, { count: failuresOf(noteOf(record, a.process.name)) + 1, startedAt, error, fatal: false })
    }
  }

  async #missing(task: RunTask): Promise<Verdict> {
    const ctx = this.#ctx
    ctx.logger.warn(taskFields(ctx.contract.name, task), 'an event or timer of a run that is not stored: dropping it')
    this.#skipped('not stored')
    return await this.#settleTimer(task)
  }

  async #stale(task: RunTask, record: RunRecord): Promise<Verdict> {
    this.#skipped(record.version > task.version ? 'already handled' : 'not waiting')
    // The pause holds it, and the resume releases it: it was only on its way here already.
    if (record.runState === 'Paused' && task.timer?.key.kind === 'timeout' && task.timer.key.epoch === record.entered.version) return done
    return await this.#settleTimer(task)
  }

  /** A timer that has nothing to do any more is closed, so that it is not due again. */
  async #settleTimer(task: RunTask): Promise<Verdict> {
    if (task.timer === undefined) return done
    const timers: TimerOp[] = [{ settle: task.timer.key, as: 'cancelled' }]
    await this.#ctx.committer.commit(
      { id: this.#ctx.ids.unit(), timers },
      this.#ctx.slotKeeper.valid(task.slot)?.signal ?? this.#ctx.stopping,
    )
    return done
  }

  #skipped(reason: SkipReason): Verdict {
    this.#ctx.measures.skipped('runs', reason)
    return done
  }

  async #broken(task: RunTask, error: unknown): Promise<Verdict> {
    const ctx = this.#ctx
    const held = ctx.slotKeeper.valid(task.slot)
    if (held === undefined || ctx.stopping.aborted) return leave
    ctx.logger.error({ ...taskFields(ctx.contract.name, task), error }, 'a run could not be looked at; trying again')
    ctx.instrumentation.count('workflow_process_error_count', 1, { workflow_name: ctx.contract.name, process_name: 'runs' })
    // A row that cannot be read concerns nobody else: it is left behind, and the sweeper comes back to it.
    if (isWorkflowError(error, 'StoreCorrupt') || isWorkflowError(error, 'InvalidArgument')) return done
    if (isWorkflowError(error) && error.retryable) {
      // The store is away: its runs wait for it where they are.
      await sleep(ctx.clock, awayMs / 2 + (ctx.random() * awayMs) / 2, held.signal).catch(() => undefined)
      return ctx.stopping.aborted || held.draining || !held.lease.isValid() ? leave : again
    }
    held.resign(brokenMs, error instanceof Error ? error.message : String(error))
    return leave
  }

  async #letOthers(): Promise<void> {
    this.#turn ??= turn(this.#ctx.clock).then(() => {
      this.#sinceTurn = 0
      this.#turn = undefined
    })
    await this.#turn
  }
}
