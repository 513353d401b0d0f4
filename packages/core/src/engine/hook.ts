/**
 * Runs the hooks of one kind of run state: at least once for every run that enters it, until they succeed. Reads the
 * history entry of the event, not the run as it is now, because the run may have moved on.
 */
import type { HookKind, HookModel } from '../model/definition.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { RunState } from '../model/run-state.ts'
import type { Timer } from '../model/timer.ts'
import type { Delivery } from '../ports/event-streamer.ts'
import type { AnySnapshot } from '../run.ts'
import type { Lanes } from './lanes.ts'
import { type PersistentTask, PersistentWork, type Prepared, roleOfSlot } from './persistent-work.ts'
import type { Process } from './process.ts'
import { runFields, traceFields } from './log-fields.ts'
import { snapshotOf } from './snapshot.ts'
import { isTraceparent } from './span-start.ts'
import type { WorkerContext } from './worker-context.ts'

export const hookStates: { readonly [Kind in HookKind]: RunState } = {
  pause: 'Paused',
  cancel: 'Cancelled',
  complete: 'Completed',
  dataDeleted: 'DataDeleted',
}

/** A hook's retries outlive the run's moves, which cancel the timers that the run itself owns. */
const ownerPrefix = 'hook:'

/** Whether a timer brings a hook back, of whatever kind. */
export function isOfHook(timer: Timer): boolean {
  return timer.key.owner.startsWith(ownerPrefix)
}

/** How long a slot rests after an event of it was left. */
const giveBackMs = 500

interface HookTask extends PersistentTask {
  readonly version: number
}

export class HookRunner {
  readonly process: Process
  readonly #ctx: WorkerContext
  readonly #hooks: readonly HookModel[]
  readonly #work: PersistentWork<HookTask>

  constructor(ctx: WorkerContext, process: Process, hooks: readonly HookModel[], limit: number) {
    this.#ctx = ctx
    this.process = process
    this.#hooks = hooks
    this.#work = new PersistentWork<HookTask>(ctx, process, {
      limit,
      subject: 'a hook',
      role: ({ slot }) => roleOfSlot(ctx, slot),
      giveBack: ({ slot }) => ctx.slotKeeper.open(slot)?.resign(giveBackMs, `an event of ${process.name} was left in the middle`),
      fields: ({ lane, version }) => ({ runId: lane, version }),
      prepare: (task) => this.#prepare(task),
      retryTimer: (task, at, attempt) => ({
        key: { kind: 'retry', owner: `${ownerPrefix}${task.lane}`, epoch: task.version, name: process.name },
        workflowName: ctx.contract.name,
        slot: task.slot,
        at,
        held: false,
        attempt,
      }),
    })
  }

  get lanes(): Lanes<HookTask> {
    return this.#work.lanes
  }

  offer(delivery: Delivery<RunEvent>): void {
    const { runId, version, at } = delivery.event
    this.lanes.offer({ lane: runId, slot: delivery.slot, version, failures: 0, delivery, at: at.getTime() })
  }

  retry(timer: Timer, end: () => void): void {
    this.lanes.offer({
      lane: timer.key.owner.slice(ownerPrefix.length),
      slot: timer.slot,
      version: timer.key.epoch,
      failures: timer.attempt,
      timer,
      end,
    })
  }

  async #prepare(task: HookTask): Promise<Prepared | undefined> {
    const record = await this.#ctx.store.lookup(task.lane)
    if (record === undefined) return undefined
    if (record.version < task.version) {
      // What a failover has taken back has not happened.
      this.#ctx.logger.error(
        { ...runFields(record, this.process.name), eventVersion: task.version },
        'an event is newer than the stored run: its hook is not called',
      )
      this.#ctx.measures.skipped(this.process.name, 'record is older')
      return undefined
    }
    const snapshot = await this.#snapshot(record, task.version)
    return {
      fields: { foreignId: record.foreignId, ...traceFields(record.traceparent) },
      span: {
        kind: 'hook',
        attributes: { runId: record.runId, foreignId: record.foreignId, version: task.version },
        since: record.createdAt,
        ...(isTraceparent(record.traceparent) ? { traceparent: record.traceparent } : undefined),
      },
      // The casts hold because the definition's types have bound the hooks to this contract's runs.
      call: async (context) => {
        for (const { handler } of this.#hooks) await handler(snapshot as never, context as never)
      },
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
