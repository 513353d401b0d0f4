/** How fast runs begin and come to an end. */
import type { WorkflowOverviewJson } from '../../src/api/workflow-json.ts'

/** Shorter than this says nothing of a minute. */
const heardMinMs = 10_000

/** Of all workflows that the server follows, on average since it does; undefined until that says something. `at`: when it was asked. */
export function finishedPerMinute(workflows: readonly Pick<WorkflowOverviewJson, 'heard'>[], at: string): number | undefined {
  const rates = workflows.flatMap(({ heard }) => {
    const ms = heard === undefined ? 0 : Date.parse(at) - Date.parse(heard.since)
    if (heard === undefined || ms < heardMinMs) return []
    const finished = [...heard.completed, ...heard.cancelled].reduce((a, b) => a + b, 0)
    return [(60_000 * finished) / ms]
  })
  return rates.length === 0 ? undefined : rates.reduce((a, b) => a + b, 0)
}

/** Of all workflows, on average over as many minutes as the server can tell of each; undefined where it can tell of none. */
export function createdPerMinute(workflows: readonly Pick<WorkflowOverviewJson, 'created'>[]): number | undefined {
  const rates = workflows.flatMap(({ created = [] }) => (created.length === 0 ? [] : [created.reduce((a, b) => a + b) / created.length]))
  return rates.length === 0 ? undefined : rates.reduce((a, b) => a + b)
}
