/** What the first page and the page of a workflow ask of stores: counts and the few runs worth a look. */
import type { AnySnapshot } from '@workflow/core'
import { isWorkflowError, type RunState } from '@workflow/core/adapter'
import type { LagJson, RunJson } from '../api/run-json.ts'
import type { HeardJson, WorkflowDetailJson, WorkflowJson, WorkflowOverviewJson } from '../api/workflow-json.ts'
import { boundedMap } from './bounded-map.ts'
import type { CreatedCounts } from './created-counts.ts'
import type { KeptAnswers } from './kept-answers.ts'
import { lagView, runView } from './run-view.ts'
import type { WatchedWorkflow } from './watched-workflow.ts'

const unfinished: readonly RunState[] = ['Initiated', 'Running', 'Paused']
const pausedLookedAt = 50
const needsPersonMax = 10
const questionsAtOnce = 8
/** Counts are kept for so long at least. */
const countsKeepMs = 1_000

/** What the store does not answer is left out, and `health` says why. Never rejects but for a mistake. */
export async function overviewOf(
  workflow: WatchedWorkflow,
  kept: KeptAnswers,
  created: CreatedCounts,
  heard: HeardJson | undefined,
  nowMs: number,
): Promise<WorkflowOverviewJson> {
  const [states, createdCounts, needsPerson, lag] = await Promise.all([
    orAbsent(statesOf(workflow, kept)),
    orAbsent(created.upTo(nowMs)),
    orAbsent(needsPersonOf(workflow)),
    orAbsent(lagOf(workflow)),
  ])
  return {
    name: workflow.name,
    // Read last: the questions above have found it out.
    health: workflow.health,
    ...states,
    ...(createdCounts === undefined ? undefined : { created: createdCounts }),
    ...(heard === undefined ? undefined : { heard }),
    ...(needsPerson === undefined ? undefined : { needsPerson }),
    ...(lag === undefined ? undefined : { lag }),
  }
}

/** Rejects where the store does not answer. */
export async function detailOf(workflow: WatchedWorkflow, kept: KeptAnswers): Promise<WorkflowDetailJson> {
  const [states, statuses, lag] = await Promise.all([
    statesOf(workflow, kept),
    kept.soon(`statuses ${workflow.name}`, countsKeepMs, () => statusesOf(workflow)),
    orAbsent(lagOf(workflow)),
  ])
  return { ...graphView(workflow), ...states, ...(statuses ?? { counting: true }), lag: lag ?? [] }
}

async function statesOf(workflow: WatchedWorkflow, kept: KeptAnswers): Promise<Pick<WorkflowDetailJson, 'byState' | 'counting'>> {
  const byState = await kept.soon(`states ${workflow.name}`, countsKeepMs, async () =>
    Object.fromEntries(await workflow.ask((it) => it.count('state'))),
  )
  return byState === undefined ? { counting: true } : { byState }
}

async function statusesOf(workflow: WatchedWorkflow): Promise<Pick<WorkflowDetailJson, 'byStatus' | 'oldest'>> {
  const byStatus = await workflow.ask((it) => it.count('status', { state: unfinished }))
  const oldest = await boundedMap([...byStatus.keys()], questionsAtOnce, async (status) => {
    const { items } = await workflow.ask((it) => it.list({ status, state: unfinished, order: 'oldest', limit: 1 }))
    return items.map((run): [string, RunJson] => [status, runView(run, workflow.redaction)])
  })
  return { byStatus: Object.fromEntries(byStatus), oldest: Object.fromEntries(oldest.flat()) }
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
