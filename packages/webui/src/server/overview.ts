/** What the first page and the page of a workflow ask of stores: counts and the few runs worth a look. */
import type { AnySnapshot } from '@workflow/core'
import { isWorkflowError, type RunState } from '@workflow/core/adapter'
import type { LagJson, RunJson } from '../api/run-json.ts'
import type { HeardJson, WorkflowDetailJson, WorkflowJson, WorkflowOverviewJson } from '../api/workflow-json.ts'
import { boundedMap } from './bounded-map.ts'
import type { CreatedCounts } from './created-counts.ts'
import { lagView, runView } from './run-view.ts'
import type { WatchedWorkflow } from './watched-workflow.ts'

const unfinished: readonly RunState[] = ['Initiated', 'Running', 'Paused']
const pausedLookedAt = 50
const needsPersonMax = 10
const questionsAtOnce = 8

/** What the store does not answer is left out, and `health` says why. Never rejects but for a mistake. */
export async function overviewOf(
  workflow: WatchedWorkflow,
  created: CreatedCounts,
  heard: HeardJson | undefined,
  nowMs: number,
): Promise<WorkflowOverviewJson> {
  const [byState, createdCounts, needsPerson, lag] = await Promise.all([
    orAbsent(workflow.ask((it) => it.count('state'))),
    orAbsent(created.upTo(nowMs)),
    orAbsent(needsPersonOf(workflow)),
    orAbsent(lagOf(workflow)),
  ])
  return {
    name: workflow.name,
    // Read last: the questions above have found it out.
    health: workflow.health,
    ...(byState === undefined ? undefined : { byState: Object.fromEntries(byState) }),
    ...(createdCounts === undefined ? undefined : { created: createdCounts }),
    ...(heard === undefined ? undefined : { heard }),
    ...(needsPerson === undefined ? undefined : { needsPerson }),
    ...(lag === undefined ? undefined : { lag }),
  }
}

export async function detailOf(workflow: WatchedWorkflow): Promise<WorkflowDetailJson> {
  const [byState, byStatus, lag] = await Promise.all([
    workflow.ask((it) => it.count('state')),
    workflow.ask((it) => it.count('status', { state: unfinished })),
    orAbsent(lagOf(workflow)),
  ])
  const oldest = await boundedMap([...byStatus.keys()], questionsAtOnce, async (status) => {
    const { items } = await workflow.ask((it) => it.list({ status, state: unfinished, order: 'oldest', limit: 1 }))
    return items.map((run): [string, RunJson] => [status, runView(run, workflow.redaction)])
  })
  return {
    ...graphView(workflow),
    byState: Object.fromEntries(byState),
    byStatus: Object.fromEntries(byStatus),
    oldest: Object.fromEntries(oldest.flat()),
    lag: lag ?? [],
  }
}

export function graphView(workflow: WatchedWorkflow): WorkflowJson {
  const { nodes, starts, terminals, transitions } = workflow.graph()
  return {
    name: workflow.name,
    nodes: nodes.map(({ status, exits }) => ({ status, exits: [...exits] })),
    starts: [...starts],
    terminals: [...terminals],
    transitions: transitions.map(({ from, to, kind }) => ({ from, to, kind })),
  }
}

async function needsPersonOf(workflow: WatchedWorkflow): Promise<RunJson[]> {
  const { items } = await workflow.ask((it) => it.list({ state: 'Paused', limit: pausedLookedAt }))
  const stays = ({ pause }: AnySnapshot): boolean => pause !== undefined && pause.resumeAt === undefined
  return items
    .filter(stays)
    .slice(0, needsPersonMax)
    .map((run) => runView(run, workflow.redaction))
}

async function lagOf(workflow: WatchedWorkflow): Promise<LagJson[]> {
  return (await workflow.lag()).map(lagView)
}

async function orAbsent<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question
  } catch (error) {
    if (isWorkflowError(error)) return undefined
    throw error
  }
}
