/** What requests of one server share. Nothing of it is global: two servers in a process know nothing of each other. */
import { ChangeFeed } from './change-feed.ts'
import { KeptAnswers } from './kept-answers.ts'
import { CreatedCounts } from './created-counts.ts'
import type { Settings } from './settings.ts'
import { WatchedWorkflow } from './watched-workflow.ts'

export interface ServerState {
  readonly settings: Settings
  readonly workflows: ReadonlyMap<string, WatchedWorkflow>
  readonly kept: KeptAnswers
  readonly feed: ChangeFeed
  readonly created: (workflow: WatchedWorkflow) => CreatedCounts
}

export function serverStateOf(settings: Settings): ServerState {
  const workflows = new Map([...settings.workflows].map(([name, workflow]) => [name, new WatchedWorkflow(workflow, settings)]))
  const counts = new Map<WatchedWorkflow, CreatedCounts>()
  const created = (workflow: WatchedWorkflow): CreatedCounts => {
    const own = counts.get(workflow) ?? new CreatedCounts(workflow)
    counts.set(workflow, own)
    return own
  }
  return { settings, workflows, kept: new KeptAnswers(settings.clock), feed: new ChangeFeed(workflows, settings), created }
}
