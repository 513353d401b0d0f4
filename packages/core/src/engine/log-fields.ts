import type { RunRecord } from '../model/run-record.ts'
import { traceIdOf } from './span-start.ts'

/** What every line about a run says of it: ids, never its object. */
export function runFields(record: RunRecord, process: string): object {
  const { workflowName: workflow, runId, foreignId, version, traceparent } = record
  return { workflow, process, runId, foreignId, version, ...traceFields(traceparent) }
}

export function traceFields(traceparent: string | undefined): { readonly traceId?: string } {
  const traceId = traceIdOf(traceparent)
  return traceId === undefined ? {} : { traceId }
}
