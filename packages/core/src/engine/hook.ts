/**
 * Runs the hooks of one kind of run state: at least once for every run that enters it, until they succeed. Reads the
 * history entry of the event, not the run as it is now, because the run may have moved on. A long back-off becomes a
 * timer, so that a failing hook holds nobody up and survives a restart.
 */
import { isWorkflowError } from '../errors.ts'
import type { HookKind, HookModel } from '../model/definition.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { RunState } from '../model/run-state.ts'
import type { Timer, TimerOp } from '../model/timer.ts'
import type { Delivery } from '../ports/event-streamer.ts'
import type { AnySnapshot } from '../run.ts'
import { boundLogger } from './handler-run.ts'
import { labelsOf } from './labels.ts'
import { Lanes, type Lane, type LaneTask } from './lanes.ts'
import type { Process } from './process.ts'
import { snapshotOf } from './snapshot.ts'
import { sleep } from './waiting.ts'
import type { WorkerContext } from './worker-context.ts'

export const hookStates: { readonly [Kind in HookKind]: RunState } = { pause: 'Paused', cancel: 'Cancelled', complete: 'Completed', dataDeleted: 'DataDeleted' }

/** A hook's retries outlive the run's moves, which cancel the timers that the run itself owns. */
const ownerPrefix = 'hook:'

interface HookTask extends LaneTask {
  readonly version: number
  readonly failures: number
  readonly delivery?: Delivery<RunEvent>
  readonly timer?: Timer
}

export class HookRunner {
  readonly process: Process
  readonly lanes: Lanes<HookTask>
  readonly #ctx: WorkerContext
  readonly #hooks: readonly HookModel[]

  constructor(ctx: WorkerContext, process: Process, hooks: readonly HookModel[], limit: number) {
    this.#ctx = ctx
    this.process = process
    this.#hooks = hooks
    this.lanes = new Lanes(limit, (task, lane) => this.#work(task, lane))
  }

  offer(delivery: Delivery<RunEvent>): void {
    this.lanes.offer({ lane: delivery.event.runId, slot: delivery.slot, version: delivery.event.version, failures: 0, delivery })
  }

  retry(timer: Timer, end: () => void): void {
    this.lanes.offer({ lane: timer.key.owner.slice(ownerPrefix.length), slot: timer.slot, version: timer.key.epoch, failures: timer.attempt, timer, end })
  }

  async #work(task: HookTask, _lane: Lane<HookTask>): Promise<void> {
    const ctx = this.#ctx
    for (let failures = task.failures, waitedMs = 0; ; ) {
      const held = ctx.slotKeeper.open(task.slot)
      if (held === undefined || !held.lease.isValid()) return
      try {
        await this.#run(task, failures + 1)
        if (task.timer !== undefined) await ctx.committer.commit({ id: ctx.ids.unit(), timers: [{ settle: task.timer.key, as: 'completed' }] }, held.signal)
        await task.delivery?.ack()
        return
      } catch (error) {
        if (!held.lease.isValid() || ctx.stopping.aborted || isWorkflowError(error, 'LeaseLost') || isWorkflowError(error, 'Fenced')) return
        failures += 1
        ctx.instrumentation.count('workflow_process_error_count', 1, labelsOf(ctx, this.process.name))
        const delayMs = this.process.options.backOffMs(failures, error, ctx.clock.now(), ctx.random)
        ctx.logger.warn({ workflow: ctx.contract.name, process: this.process.name, runId: task.lane, version: task.version, attempt: failures, error, retryInMs: delayMs }, 'a hook failed; trying again')
        waitedMs += delayMs
        try {
          if (waitedMs <= ctx.retryInPlaceMs) await sleep(ctx.clock, delayMs, ctx.stopping)
          else return await this.#retryLater(task, failures, delayMs, held.signal)
        } catch (failure) {
          if (!ctx.stopping.aborted) ctx.logger.error({ workflow: ctx.contract.name, process: this.process.name, runId: task.lane, error: failure }, 'a hook could not be put off; its event will come again')
          return
        }
      }
    }
  }

  async #retryLater(task: HookTask, failures: number, delayMs: number, signal: AbortSignal): Promise<void> {
    const ctx = this.#ctx
    const at = new Date(ctx.clock.now() + delayMs)
    const op: TimerOp = task.timer !== undefined
      ? { move: task.timer.key, at, attempt: failures }
      : { put: { key: { kind: 'retry', owner: `${ownerPrefix}${task.lane}`, epoch: task.version, name: this.process.name }, workflowName: ctx.contract.name, slot: task.slot, at, held: false, attempt: failures } }
    await ctx.committer.commit({ id: ctx.ids.unit(), timers: [op] }, signal)
    ctx.timersChanged()
    await task.delivery?.ack()
  }

  async #run(task: HookTask, attempt: number): Promise<void> {
    const ctx = this.#ctx
    const record = await ctx.store.lookup(task.lane)
    if (record === undefined) return
    const snapshot = await this.#snapshot(record, task.version)
    const { gate, options } = this.process
    if (!gate.tryEnter()) await gate.enter()
    const execution = ctx.executions.start(task.slot, options.deadlineMs)
    const logger = boundLogger(ctx.logger, { workflow: ctx.contract.name, process: this.process.name, runId: record.runId, foreignId: record.foreignId, version: task.version, attempt })
    const context = {
      get signal(): AbortSignal {
        return execution.signal
      },
      logger,
    }
    try {
      await execution.run(async () => {
        for (const { handler } of this.#hooks) await handler(snapshot as never, context as never)
      }, undefined)
    } finally {
      ctx.executions.end(execution)
      gate.leave()
    }
  }

  /** The run as it was when it entered the state. */
  async #snapshot(record: RunRecord, version: number): Promise<AnySnapshot> {
    const ctx = this.#ctx
    if (record.version === version) return await snapshotOf(ctx, record)
    const page = await ctx.store.history(record.runId, { fromVersion: version, limit: 1, objects: true })
    const entry = page.items[0]
    const state = entry?.states.at(-1)
    if (entry === undefined || entry.version !== version || state === undefined) return await snapshotOf(ctx, record)
    const then = await snapshotOf(ctx, record, entry.object)
    return { ...then, status: entry.to, state, version, updatedAt: entry.at }
  }
}
