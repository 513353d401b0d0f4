import { isWorkflowError } from '../errors.ts'
import type { TimerOp } from '../model/timer.ts'
import { type Attempt, noHandler } from './attempt-task.ts'
import { failuresOf, noteOf } from './attempt-notes.ts'
import { entryTimers } from './entry-timers.ts'
import { fail } from './failure.ts'
import { Process } from './process.ts'
import type { Verdict } from './run-task.ts'
import { processNames, processOf, type WorkerContext } from './worker-context.ts'

/**
 * Opens the timers of a run that is at the status it began at, or was moved to by hand: whoever brought it there may have had
 * no code for them. Asked for again and again, they are opened once. A timer function that throws is an attempt that failed; the result says what came
 * of it, and is undefined where the timers stand.
 */
export async function startTimers(
  look: Omit<Attempt, 'process' | 'kind' | 'invoke'>,
  kind: 'step' | 'timeout',
  due: (a: Attempt) => Promise<Verdict | undefined>,
): Promise<Verdict | undefined> {
  const { ctx, record, held } = look
  const first = ctx.definition.timeouts.get(record.status)?.[0]
  if (first === undefined) return undefined
  const a: Attempt = { ...look, process: openingOf(ctx, record.status, first.name), kind, invoke: noHandler }
  const wait = record.attempts === undefined ? undefined : await due(a)
  if (wait !== undefined) return wait
  const startedAt = ctx.clock.now()
  let timers: readonly TimerOp[]
  try {
    timers = await entryTimers(ctx, record)
  } catch (error) {
    const count = failuresOf(noteOf(record, a.process.name)) + 1
    return await fail(a, { count, startedAt, error, fatal: isWorkflowError(error, 'InvalidArgument') })
  }
  if (timers.length > 0) {
    await ctx.committer.commit({ id: ctx.ids.unit(), timers }, held.signal)
    ctx.timersChanged(timers)
  }
  return undefined
}

const openings = new WeakMap<WorkerContext, Map<string, Process>>()

/** Opening the timers of a status, as a process with failures of its own and the options of the first timeout. */
function openingOf(ctx: WorkerContext, status: string, timeout: string): Process {
  let byStatus = openings.get(ctx)
  if (byStatus === undefined) openings.set(ctx, (byStatus = new Map()))
  let process = byStatus.get(status)
  if (process === undefined) {
    process = new Process(`timers of ${status}`, processOf(ctx, processNames.timeout(status, timeout)).options, ctx.contract.name)
    byStatus.set(status, process)
  }
  return process
}
