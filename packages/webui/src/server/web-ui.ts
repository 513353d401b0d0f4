/** The request handler: `webui(options)`. */
import { Configuration, loggableError } from '@workflow/core/adapter'
import { ApiError, faultOf } from './api-error.ts'
import { actorOf, assertMay, assertSameSite, permissionsOf } from './guard.ts'
import { actionAnswer, faultAnswer, freshAnswer } from './json-answer.ts'
import { bodyOf } from './request-body.ts'
import { queryOf } from './run-filter.ts'
import { isPagePath, pageAnswer } from './page-routes.ts'
import { type Call, type Match, matchOf } from './route.ts'
import { routes } from './routes.ts'
import { type ServerState, serverStateOf } from './server-state.ts'
import { settingsOf, type WebUiOptions } from './settings.ts'
import type { WatchedWorkflow } from './watched-workflow.ts'

/** Answers requests, to be mounted wherever `Request` and `Response` are known; `toNodeListener` makes it a listener of node:http. */
export interface WebUi extends AsyncDisposable {
  (request: Request): Promise<Response>
  /** Ends the event streams, and with them what they have asked of the workflows, which stay open. Idempotent. */
  close(): Promise<void>
}

const apiPath = '/api/v1'

/**
 * A web server for people and scripts who look after runs: the pages and the JSON API. Made from clients or built workflows, so its process
 * needs no handlers. What goes wrong is an answer; it rejects only where it is given what is no `Request`. Throws `Configuration`.
 */
export function webui(options: WebUiOptions): WebUi {
  const server = serverStateOf(settingsOf(options))
  const handle = async (request: Request): Promise<Response> => {
    assertRequest(request)
    let workflow: WatchedWorkflow | undefined
    try {
      const page = pagePathOf(request, server)
      if (page !== undefined) return await askedPage(request, page, server)
      const match = matchedRequest(request, server)
      workflow = server.workflows.get(match.params.get('workflow') ?? '')
      return await answer(request, match, workflow, server)
    } catch (error) {
      const fault = faultOf(error, workflow)
      if (fault.unexpected)
        server.settings.logger.error(
          { method: request.method, workflow: workflow?.name, error: loggableError(error) },
          'a request to the web UI has failed',
        )
      return faultAnswer(fault, request.method)
    }
  }
  const close = (): Promise<void> => {
    server.feed.close()
    return Promise.resolve()
  }
  return Object.assign(handle, { close, [Symbol.asyncDispose]: close })
}

/** Mounted where requests are of another kind, it would be called with those. */
function assertRequest(request: Request): void {
  if (typeof request?.url === 'string' && URL.canParse(request.url)) return
  throw new Configuration('the handler of webui takes a Request: in node:http, Express and Fastify mount toNodeListener(handle)')
}

/** Below the base path; undefined where the request is for the API, or for nothing of ours. */
function pagePathOf(request: Request, { settings: { basePath } }: ServerState): string | undefined {
  const { pathname } = new URL(request.url)
  const path = pathname === basePath ? '/' : pathname.slice(basePath.length)
  return pathname.startsWith(basePath) && path.startsWith('/') && isPagePath(path) ? path : undefined
}

/** Links to a page may stand anywhere, so it does not matter where the request comes from: it shows nothing by itself. */
async function askedPage(request: Request, path: string, { settings }: ServerState): Promise<Response> {
  const actor = await actorOf(request, settings)
  if (actor instanceof Response) return actor
  assertMay(actor, 'view', settings.readOnly)
  return await pageAnswer(request, path, settings.basePath)
}

function matchedRequest(request: Request, { settings }: ServerState): Match {
  const { pathname } = new URL(request.url)
  const root = `${settings.basePath}${apiPath}/`
  if (!pathname.startsWith(root)) {
    const below = settings.basePath === '' ? 'without a basePath' : `with the basePath '${settings.basePath}'`
    throw new ApiError('NotFound', `there is nothing under this path: this web UI answers ${below}, which must be where it is mounted`)
  }
  return matchOf(routes, request.method, pathname.slice(root.length - 1))
}

async function answer(
  request: Request,
  { route, params }: Match,
  workflow: WatchedWorkflow | undefined,
  server: ServerState,
): Promise<Response> {
  const { settings } = server
  assertSameSite(request, settings.origins, route.mutates)
  const actor = await actorOf(request, settings)
  if (actor instanceof Response) return actor
  assertMay(actor, 'view', settings.readOnly)
  if (settings.readOnly && route.mutates) throw new ApiError('ReadOnly', 'this server is read-only')
  assertMay(actor, route.permission, settings.readOnly)
  if (params.has('workflow') && workflow === undefined) throw new ApiError('NotFound', 'no workflow of this name is served here')
  const call: Omit<Call<unknown, unknown>, 'workflow'> = {
    server,
    actor,
    permissions: permissionsOf(actor, settings.readOnly),
    query: queryOf(new URL(request.url), route.query),
    body: route.body === undefined ? undefined : await bodyOf(request, route.body, settings.limits, settings.clock),
    request,
    runId: params.get('runId') ?? '',
  }
  // The cast holds because only the handlers of paths with a workflow look at it, and those have been refused above.
  const value = await route.handle({ ...call, workflow: workflow as WatchedWorkflow })
  if (value instanceof Response) return value
  return route.mutates ? actionAnswer(value) : freshAnswer(request, value)
}
