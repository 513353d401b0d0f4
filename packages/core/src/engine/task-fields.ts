import { runFields } from './log-fields.ts'
import type { RunTask } from './run-task.ts'

/** Of a line about a run that is yet to be read, as far as what has led to it says. A wake-up knows only which run it is for. */
export function taskFields(workflow: string, task: RunTask): object {
  const known = task.record ?? (task.cause === 'wake' ? undefined : task.delivery?.event)
  return known === undefined
    ? { workflow, process: 'runs', runId: task.lane, version: task.version }
    : { ...runFields(known, 'runs'), version: task.version }
}
