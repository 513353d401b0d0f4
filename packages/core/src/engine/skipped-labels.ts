import type { Attributes } from '../ports/instrumentation.ts'

/** The labels of an event that needed nothing done. */
export function skippedLabels(workflowName: string, reason: string): Attributes {
  return Object.freeze({ workflow_name: workflowName, process_name: 'runs', reason })
}
