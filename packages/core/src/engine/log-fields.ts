/** What says in log lines what they are about: ids, never an object, a payload or a reason. */
import type { RunEvent } from '../model/run-event.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { Unit } from '../model/unit.ts'
import type { RunTask } from './run-task.ts'
import { traceIdOf } from './span-start.ts'

type Identified = Pick<RunRecord | RunEvent, 'workflowName' | 'runId' | 'foreignId' | 'version'> & { readonly traceparent?: string }

/** Of a line about a run, or about one of its events. */
export function runFields({ workflowName, runId, foreignId, version, traceparent }: Identified, process: string): object {
  return { workflow: workflowName, process, runId, foreignId, version, ...traceFields(traceparent) }
}

export function traceFields(traceparent: string | undefined): { readonly traceId?: string } {
  const traceId = traceIdOf(traceparent)
  return traceId === undefined ? {} : { traceId }
}

/** Of a line about a run that is yet to be read, as far as what has led to it says. A wake-up knows only which run it is for. */
export function taskFields(workflow: string, task: RunTask): object {
  const known = task.record ?? (task.cause === 'wake' ? undefined : task.delivery?.event)
  return known === undefined
    ? { workflow, process: 'runs', runId: task.lane, version: task.version }
    : { ...runFields(known, 'runs'), version: task.version }
}

/** Of a line about a unit: the run that it changes, else whatever else of it names one. */
export function unitFields({ id, changes, attempts, emit, consume }: Unit): object {
  const [change] = changes ?? []
  if (change !== undefined) return { unitId: id, ...runFields(change.next, 'commit') }
  const [note] = attempts ?? []
  if (note !== undefined) return { unitId: id, process: note.process, runId: note.runId, version: note.version, attempt: note.attempt }
  const [event] = emit ?? []
  if (event !== undefined && event.kind !== 'wake') return { unitId: id, ...runFields(event, 'commit') }
  const runId = consume?.[0]?.runId ?? event?.runId
  return { unitId: id, process: 'commit', ...(runId === undefined ? undefined : { runId }) }
}
