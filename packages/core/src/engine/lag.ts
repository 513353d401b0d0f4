import type { Process } from './process.ts'
import type { WorkerContext } from './worker-context.ts'

/** So often it is looked whether a process that was late still has something in hand. Nobody minds a lag below that. */
const lookAgainMs = 1_000

/**
 * Measures how old an event was when its turn came, and says so when that crosses the process's `lagAlert`. What was late is
 * looked at again: once nothing is in hand nothing lags, or the last value would stand for as long as no event comes.
 */
export function reportLag(ctx: WorkerContext, process: Process, lagMs: number, isBusy: () => boolean = () => process.gate.isBusy): void {
  tell(ctx, process, lagMs)
  if (lagMs < lookAgainMs || process.lagWatch !== undefined || ctx.stopping.aborted) return
  const watch = (): void => {
    process.lagWatch = ctx.clock.setTimer(lookAgainMs, () => {
      process.lagWatch = undefined
      if (isBusy()) watch()
      else tell(ctx, process, 0)
    })
  }
  watch()
}

function tell(ctx: WorkerContext, process: Process, lagMs: number): void {
  const { labels } = process
  ctx.instrumentation.gauge('workflow_process_lag_seconds', lagMs / 1_000, labels)
  const late = lagMs > process.options.lagAlertMs
  if (late === process.late) return
  const wasLate = process.late
  process.late = late
  ctx.instrumentation.gauge('workflow_process_lag_alert', late ? 1 : 0, labels)
  const fields = { workflow: ctx.contract.name, process: process.name, lagMs, lagAlertMs: process.options.lagAlertMs }
  if (late) ctx.logger.warn(fields, 'the process is further behind than its lagAlert: give it more parallelCount, or more instances')
  else if (wasLate === true) ctx.logger.info(fields, 'the process has caught up')
}
