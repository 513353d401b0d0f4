/** What the API answers about runs. */
import {
  childrenJson,
  type ChildrenJson,
  explanationJson,
  historyPageJson,
  movePreviewJson,
  runDetailJson,
  runPageJson,
  type RunPageJson,
  timerPageJson,
} from '../api/run-json.ts'
import { listedRuns } from './listed-runs.ts'
import { historyQuery, listQueryOf, moveQuery, noQuery, pageOf, pageQuery, runsQuery } from './run-filter.ts'
import { explanationView, movePreviewView, runView, timerView } from './run-view.ts'
import { route, type Route } from './route.ts'

/** Children of a run that are shown per workflow. */
const childrenMax = 50
/** Entries with their objects, which may be a megabyte each. */
const objectsPageMax = 50

const read = { method: 'GET', permission: 'view', mutates: false } as const

export const runRoutes: readonly Route[] = [
  route({
    ...read,
    path: '/workflows/{workflow}/runs',
    id: 'listRuns',
    summary: 'Runs by creation, without their objects; metadata.key=value filters by metadata',
    query: runsQuery,
    answer: runPageJson,
    handle: async ({ workflow, query, server }): Promise<RunPageJson> => {
      const page = await listedRuns(workflow, listQueryOf(query, server.settings.limits.page), server.settings.clock)
      const items = page.items.map((run) => runView(run, workflow.redaction))
      return { items, ...(page.cursor === undefined ? undefined : { cursor: page.cursor }) }
    },
  }),
  route({
    ...read,
    path: '/workflows/{workflow}/runs/{runId}',
    id: 'getRun',
    summary: 'A run with its object',
    query: noQuery,
    answer: runDetailJson,
    handle: ({ workflow, runId }) => workflow.run(runId),
  }),
  route({
    ...read,
    path: '/workflows/{workflow}/runs/{runId}/history',
    id: 'getHistory',
    summary: 'Versions of a run from the first on; with objects=true the object of each, at most 50 a page, and fewer where they are large',
    query: historyQuery,
    answer: historyPageJson,
    handle: ({ workflow, runId, query, server }) => {
      const objects = query.objects === 'true'
      const limitMax = objects ? Math.min(objectsPageMax, server.settings.limits.page) : server.settings.limits.page
      return workflow.history(runId, { objects, ...pageOf({ cursor: query.cursor, limit: query.limit }, limitMax) })
    },
  }),
  route({
    ...read,
    path: '/workflows/{workflow}/runs/{runId}/timers',
    id: 'getTimers',
    summary: 'Every timer that the run has had',
    query: pageQuery,
    answer: timerPageJson,
    handle: async ({ workflow, runId, query, server }) => {
      const page = await workflow.ask((it) => it.timers(runId, pageOf(query, server.settings.limits.page)))
      return { items: page.items.map(timerView), ...(page.cursor === undefined ? undefined : { cursor: page.cursor }) }
    },
  }),
  route({
    ...read,
    path: '/workflows/{workflow}/runs/{runId}/explanation',
    id: 'explainRun',
    summary: 'Why the run is where it is, and what would move it on',
    query: noQuery,
    answer: explanationJson,
    handle: async ({ workflow, runId }) => explanationView(await workflow.ask((it) => it.explain(runId)), workflow.redaction),
  }),
  route({
    ...read,
    path: '/workflows/{workflow}/runs/{runId}/children',
    id: 'getChildren',
    summary: 'The runs that this one has started, of every workflow that is served: the newest 50 of each',
    query: noQuery,
    answer: childrenJson,
    handle: async ({ runId, server }): Promise<ChildrenJson> => {
      const pages = await Promise.all(
        [...server.workflows.values()].map(async (child) => {
          const page = await child.ask((it) => it.list({ parentRunId: runId, limit: childrenMax }))
          return { items: page.items.map((run) => runView(run, child.redaction)), more: page.cursor !== undefined }
        }),
      )
      return { items: pages.flatMap(({ items }) => items), more: pages.some(({ more }) => more) }
    },
  }),
  route({
    ...read,
    path: '/workflows/{workflow}/runs/{runId}/move',
    id: 'previewMove',
    summary: 'What moving the run to a status by hand would do; changes nothing',
    query: moveQuery,
    answer: movePreviewJson,
    handle: async ({ workflow, runId, query }) => movePreviewView(await workflow.ask((it) => it.previewMove(runId, query.to))),
  }),
]
