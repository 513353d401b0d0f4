import type { TimeoutModel } from '../model/definition.ts'
import type { RunRecord } from '../model/run-record.ts'
import { slotOf } from '../model/slot.ts'
import type { TimerOp } from '../model/timer.ts'
import { expiryMs } from '../timer-value.ts'
import { snapshotOf } from './snapshot.ts'
import { processNames, processOf, type WorkerContext } from './worker-context.ts'

/** The timers of a status that a record has just entered. They belong to this stay: `entered.version` is their epoch. */
export async function entryTimers(ctx: WorkerContext, record: RunRecord): Promise<readonly TimerOp[]> {
  const timeouts = ctx.definition.timeouts.get(record.status) ?? []
  const ops: TimerOp[] = []
  for (const timeout of timeouts) {
    const at = await expiryOf(ctx, timeout, record)
    if (at === undefined) continue
    ops.push({
      put: {
        key: { kind: 'timeout', owner: record.runId, epoch: record.entered.version, name: timeout.name },
        workflowName: record.workflowName,
        slot: slotOf(record.runId, ctx.slots),
        at: new Date(at),
        held: false,
        attempt: 0,
      },
    })
  }
  return ops
}

async function expiryOf(ctx: WorkerContext, timeout: TimeoutModel, record: RunRecord): Promise<number | undefined> {
  const base = record.entered.at.getTime()
  if (typeof timeout.timer !== 'function') return expiryMs(timeout.timer, base)
  // The cast holds because the builder has checked the definition: the timer is a function of a snapshot of this object.
  const { timer } = timeout
  const snapshot = (await snapshotOf(ctx, record)) as never
  const { deadlineMs } = processOf(ctx, processNames.timeout(record.status, timeout.name)).options
  const value = await ctx.executions.within(slotOf(record.runId, ctx.slots), deadlineMs, async () => await timer(snapshot))
  return value === undefined ? undefined : expiryMs(value, base)
}
