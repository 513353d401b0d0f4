/** What says in log lines what they are about: ids, never an object, a payload or a reason. */
import type { RunEvent } from '../model/run-event.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { Unit } from '../model/unit.ts'
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

/** Of a line about a unit: the run that it changes, else the one that it notes something of. */
export function unitFields({ id, changes, attempts, emit }: Unit): object {
  const about = changes?.[0]?.next ?? emit?.[0]
  const note = attempts?.[0]
  return { unitId: id, ...(about === undefined ? note && { runId: note.runId, version: note.version } : runFields(about, 'commit')) }
}
