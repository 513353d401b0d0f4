/** A way into the API for each route, so that nothing is forgotten by a test of all of them. */
import { routes } from '../src/server/routes.ts'

/** A request for each route, that would be answered were it allowed. */
export function requestsFor(runId: string) {
  const bodies: Readonly<Record<string, unknown>> = {
    actOnRun: { action: 'pause', reason: 'x' },
    previewBulk: { action: 'pause', filter: {} },
    actOnRuns: { action: 'pause', reason: 'x', runs: [{ runId, ifVersion: 2 }] },
  }
  return routes.map(({ id, method, path, mutates }) => {
    const real = path.replace('{workflow}', 'orders').replace('{runId}', runId) + (id === 'previewMove' ? '?to=created' : '')
    const headers = { 'content-type': 'application/json', 'x-workflow-webui': '1' }
    return { id, path: real, mutates, init: method === 'GET' ? { method } : { method, headers, body: JSON.stringify(bodies[id]) } }
  })
}
