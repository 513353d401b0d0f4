import type { EngineContext } from './engine-context.ts'
import type { Process } from './process.ts'

/** Measures how old an event was when its turn came, and says so when that crosses the process's `lagAlert`. */
export function reportLag(ctx: EngineContext, process: Process, lagMs: number): void {
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
