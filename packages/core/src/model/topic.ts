import type { RunState } from './run-state.ts'

/** The topic of one status of one workflow: `<workflow>/<status>`, with `%`, `/` and `$` escaped in each, so that no two collide. */
export function topicOf(workflowName: string, status: string): string {
  return `${escapeName(workflowName)}/${escapeName(status)}`
}

/** The topic of the runs of one workflow that enter a run state: `<workflow>/$<state>`. */
export function stateTopicOf(workflowName: string, state: RunState): string {
  return `${escapeName(workflowName)}/$${state}`
}

function escapeName(name: string): string {
  return name.replace(/[%/$]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
}
