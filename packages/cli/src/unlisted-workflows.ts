import type { ClientInfrastructure } from '@workflow/core'
import { isFinished, runStates } from '@workflow/core/adapter'

const pageSize = 100
const pagesMax = 5

/**
 * Names of workflows that the store has unfinished runs of and nobody named, sorted: a workflow that was renamed or taken
 * out leaves its runs behind. Looks at some of the oldest and newest runs only, because a store cannot be asked for names.
 */
export async function unlistedWorkflows({ recordStore }: ClientInfrastructure, listed: readonly string[]): Promise<readonly string[]> {
  const runState = runStates.filter((state) => !isFinished(state))
  const names = new Set<string>()
  for (const order of ['oldest', 'newest'] as const) {
    let after: string | undefined
    for (let pages = 0; pages < pagesMax; pages++) {
      const page = { limit: pageSize, ...(after === undefined ? undefined : { after }) }
      const { items, next } = await recordStore.list({ runState, order }, page)
      for (const { workflowName } of items) if (!listed.includes(workflowName)) names.add(workflowName)
      if (next === undefined) break
      after = next
    }
  }
  return [...names].sort()
}
