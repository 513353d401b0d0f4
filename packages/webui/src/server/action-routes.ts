/** What changes runs: one at a time, or many that a preview has named. Actor and reason are kept in each run's history. */
import { type AnySnapshot, type Audit, isWorkflowError, type RunState } from '@workflow/core'
import {
  actionJson,
  type ActionJson,
  actionResultJson,
  type ActionResultJson,
  type BulkAction,
  bulkPreviewJson,
  type BulkPreviewJson,
  bulkPreviewRequestJson,
  bulkRequestJson,
  bulkResultJson,
  type BulkResultJson,
  type RunFilterJson,
} from '../api/request-json.ts'
import { ApiError, faultOf } from './api-error.ts'
import { boundedMap } from './bounded-map.ts'
import { assertMay } from './guard.ts'
import { listedRuns } from './listed-runs.ts'
import { countQueryOf, noQuery } from './run-filter.ts'
import { route, type Route } from './route.ts'
import type { Settings } from './settings.ts'
import type { WatchedWorkflow } from './watched-workflow.ts'

const runsAtOnce = 8
const previewPage = 500
const previewMs = 5_000

const act = { method: 'POST', permission: 'act', mutates: true, query: noQuery } as const

/** In which states an action can be done; others are skipped by a preview. */
const fitting: { readonly [Action in BulkAction]: ReadonlySet<RunState> } = {
  pause: new Set(['Initiated', 'Running']),
  resume: new Set(['Paused']),
  cancel: new Set(['Initiated', 'Running', 'Paused']),
  retry: new Set(['Completed', 'Cancelled']),
}

export const actionRoutes: readonly Route[] = [
  route({
    ...act,
    path: '/workflows/{workflow}/runs/{runId}/actions',
    id: 'actOnRun',
    summary: 'Pauses, resumes, cancels, retries or moves a run, or deletes its data, which takes the permission delete',
    // deleteData needs another permission, which is looked at when the body is known.
    permission: 'view',
    body: actionJson,
    answer: actionResultJson,
    handle: async ({ workflow, runId, body, actor, server }): Promise<ActionResultJson> => {
      assertMay(actor, body.action === 'deleteData' ? 'delete' : 'act', server.settings.readOnly)
      const { reason, ifVersion } = body
      const audit = { actor: actor.actor, reason, ...(ifVersion === undefined ? undefined : { ifVersion }) }
      const touched = await perform(workflow, runId, body, audit)
      return { runId: touched, ...(await summaryOf(workflow, touched)) }
    },
  }),
  route({
    ...act,
    path: '/workflows/{workflow}/bulk/preview',
    id: 'previewBulk',
    summary: 'Which runs a bulk action would touch, by id and version; changes nothing',
    body: bulkPreviewRequestJson,
    answer: bulkPreviewJson,
    handle: ({ workflow, body, server }) => preview(workflow, body.action, body.filter, server.settings),
  }),
  route({
    ...act,
    path: '/workflows/{workflow}/bulk',
    id: 'actOnRuns',
    summary: 'Does an action to up to 100 runs, each for itself; those that have moved since they were looked at are left alone',
    body: bulkRequestJson,
    answer: bulkResultJson,
    handle: async ({ workflow, body, actor }): Promise<BulkResultJson> => {
      const { action, reason, runs, key } = body
      assertOnce(runs)
      const results = await boundedMap(runs, runsAtOnce, async ({ runId, ifVersion }) => {
        try {
          await perform(workflow, runId, action === 'retry' ? { action, reason, key } : { action, reason }, {
            actor: actor.actor,
            reason,
            ifVersion,
          })
          return { runId, ok: true as const }
        } catch (error) {
          const { code, message } = faultOf(error, workflow).body.error
          return { runId, ok: false as const, code, message }
        }
      })
      return { results }
    },
  }),
]

/** Resolves to the run to look at afterwards: the new one of a retry. */
async function perform(workflow: WatchedWorkflow, runId: string, body: ActionJson, audit: Audit): Promise<string> {
  return await workflow.ask(async (it) => {
    switch (body.action) {
      case 'retry':
        return await it.retry(runId, { audit, ...(body.key === undefined ? undefined : { key: body.key }) })
      case 'moveTo':
        await it.moveTo(runId, body.status, audit)
        return runId
      case 'pause':
      case 'resume':
      case 'cancel':
      case 'deleteData':
        await it[body.action](runId, audit)
        return runId
    }
  })
}

/** What is done is done: whoever is told otherwise because a store then went away would do it once more. */
async function summaryOf(workflow: WatchedWorkflow, runId: string): Promise<Pick<ActionResultJson, 'run'>> {
  try {
    return { run: await workflow.summary(runId) }
  } catch (error) {
    if (isWorkflowError(error)) return {}
    throw error
  }
}

/** Side by side, a run that is named twice would be retried twice. Throws `InvalidArgument`. */
function assertOnce(runs: readonly { readonly runId: string }[]): void {
  if (new Set(runs.map(({ runId }) => runId)).size < runs.length) throw new ApiError('InvalidArgument', 'a run may be named only once')
}

/** Looks at so many runs at most as it may list ten times over, and for no longer than callers wait; then it says that there are more. */
async function preview(
  workflow: WatchedWorkflow,
  action: BulkAction,
  filter: RunFilterJson,
  { limits: { bulk: limit }, clock }: Settings,
): Promise<BulkPreviewJson> {
  const runs: BulkPreviewJson['runs'] = []
  let skipped = 0
  let cursor: string | undefined
  const query = countQueryOf(filter)
  const until = clock.monotonic() + previewMs
  do {
    const page = await listedRuns(workflow, { ...query, limit: previewPage, ...(cursor === undefined ? undefined : { cursor }) }, clock)
    for (const run of page.items) {
      if (!fitting[action].has(run.state)) skipped++
      else if (runs.length < limit) runs.push(touchedView(run))
      else return { runs, skipped, more: true, limit }
    }
    cursor = page.cursor
  } while (cursor !== undefined && runs.length + skipped < limit * 10 && clock.monotonic() < until)
  return { runs, skipped, more: cursor !== undefined, limit }
}

function touchedView({ runId, foreignId, status, state, version }: AnySnapshot): BulkPreviewJson['runs'][number] {
  return { runId, foreignId, status, state, version }
}
