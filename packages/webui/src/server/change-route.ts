/** The live events of workflows. */
import { ApiError } from './api-error.ts'
import { safeHeaders } from './json-answer.ts'
import { route, type Route } from './route.ts'
import { changesQuery } from './run-filter.ts'

export const changeRoute: Route = route({
  method: 'GET',
  path: '/changes',
  id: 'followChanges',
  summary: 'What runs do, as server-sent events: change, and refresh where some may be missing',
  permission: 'view',
  mutates: false,
  query: changesQuery,
  handle: ({ server, query, request }) => {
    const names = new Set(query.workflow ?? server.workflows.keys())
    for (const name of names) if (!server.workflows.has(name)) throw new ApiError('NotFound', 'no workflow of this name is served here')
    const headers = {
      ...safeHeaders,
      'content-type': 'text/event-stream; charset=utf-8',
      // Neither kept nor gathered on the way.
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    }
    if (request.method === 'HEAD') return Promise.resolve(new Response(null, { headers }))
    const body = server.feed.read(names, request.headers.get('last-event-id'), request.signal)
    return Promise.resolve(new Response(body, { headers }))
  },
})
