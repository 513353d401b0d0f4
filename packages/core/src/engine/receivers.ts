import type { HookKind } from '../model/definition.ts'

/** The reader of a workflow's own work; its cursors are what `explain` calls the lag. */
export function runsReceiver(workflowName: string): string {
  return `${workflowName}/runs`
}

/** The reader of one kind of hook: each kind begins where it was first added. */
export function hookReceiver(workflowName: string, kind: HookKind): string {
  return `${workflowName}/hook ${kind}`
}
