/** What the API answers about workflows as a whole, and about who asks. */
import {
  analyticsJson,
  overviewJson,
  type OverviewJson,
  type Permission,
  sessionJson,
  type SessionJson,
  workflowDetailJson,
  type WorkflowDetailJson,
} from '../api/workflow-json.ts'
import { analyticsOf } from './analytics.ts'
import { detailOf, graphView, overviewOf } from './overview.ts'
import { noQuery } from './run-filter.ts'
import { route, type Route } from './route.ts'
import type { ServerState } from './server-state.ts'

const overviewKeepMs = 2_000
const analyticsKeepMs = 30_000

const read = { method: 'GET', permission: 'view', mutates: false, query: noQuery } as const

export const workflowRoutes: readonly Route[] = [
  route({
    ...read,
    path: '/session',
    id: 'getSession',
    summary: 'Who asks, what they may do, and the workflows that are served',
    answer: sessionJson,
    handle: ({ server, actor, permissions }) => Promise.resolve(sessionOf(server, actor.actor, permissions)),
  }),
  route({
    ...read,
    path: '/overview',
    id: 'getOverview',
    summary: 'All workflows at a glance; what a store does not answer is left out',
    answer: overviewJson,
    handle: ({ server }) => server.kept.of('overview', overviewKeepMs, () => overview(server), { isWhole, mayBeOld: false }),
  }),
  route({
    ...read,
    path: '/workflows/{workflow}',
    id: 'getWorkflow',
    summary: 'A workflow: its graph, and its runs in numbers',
    answer: workflowDetailJson,
    handle: ({ server, workflow }) =>
      server.kept.of(`workflow ${workflow.name}`, overviewKeepMs, () => detailOf(workflow, server.kept), {
        isWhole: isCounted,
        mayBeOld: false,
      }),
  }),
  route({
    ...read,
    path: '/workflows/{workflow}/analytics',
    id: 'getAnalytics',
    summary: 'How the newest finished runs have fared',
    answer: analyticsJson,
    handle: ({ server, workflow }) => {
      const { clock, limits } = server.settings
      return server.kept.of(`analytics ${workflow.name}`, analyticsKeepMs, () => analyticsOf(workflow, limits.sample, clock))
    },
  }),
]

function sessionOf({ settings, workflows }: ServerState, actor: string, permissions: readonly Permission[]): SessionJson {
  return { actor, permissions: [...permissions], readOnly: settings.readOnly, workflows: [...workflows.values()].map(graphView) }
}

/** What leaves something out because a store is away, or still counts, is not kept for longer than it has to be. */
function isWhole({ workflows }: OverviewJson): boolean {
  return workflows.every(({ health, byState, lag }) => health.up && byState !== undefined && lag !== undefined)
}

function isCounted({ counting }: WorkflowDetailJson): boolean {
  return counting !== true
}

async function overview({ settings, workflows, kept, created, feed }: ServerState): Promise<OverviewJson> {
  const nowMs = settings.clock.now()
  const all = await Promise.all(
    [...workflows.values()].map((workflow) => overviewOf(workflow, kept, created(workflow), feed.heard(workflow.name, nowMs), nowMs)),
  )
  return { at: new Date(nowMs).toISOString(), workflows: all }
}
