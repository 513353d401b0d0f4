/** A way into the API: its path, who may take it, what it is sent and what it answers. The OpenAPI description is made of these. */
import type { GenericSchema } from 'valibot'
import type { Permission } from '../api/workflow-json.ts'
import { ApiError } from './api-error.ts'
import type { ServerState } from './server-state.ts'
import type { Actor } from './settings.ts'
import type { WatchedWorkflow } from './watched-workflow.ts'

/** A request that may be answered. */
export interface Call<Query, Body> {
  readonly server: ServerState
  readonly actor: Actor
  readonly permissions: readonly Permission[]
  readonly query: Query
  readonly body: Body
  readonly request: Request
  /** The workflow of the path. Throws `NotFound`, also where the path has none. */
  readonly workflow: WatchedWorkflow
  /** The run's id of the path. */
  readonly runId: string
}

export interface RouteSpec<Query, Body> {
  readonly method: 'GET' | 'POST'
  /** Below `/api/v1`; `{workflow}` and `{runId}` stand for one part. */
  readonly path: string
  readonly id: string
  readonly summary: string
  /** What the actor needs at least. */
  readonly permission: Permission
  /** Changes something: refused from other sites, and by a read-only server. */
  readonly mutates: boolean
  readonly query: GenericSchema<unknown, Query>
  readonly body?: GenericSchema<unknown, Body>
  /** Of a 200; undefined where the answer is a stream. */
  readonly answer?: GenericSchema
  /** The answer's value, or the answer itself. */
  readonly handle: (call: Call<Query, Body>) => Promise<unknown>
}

/** A route whose types have been checked against each other. */
export type Route = RouteSpec<unknown, unknown>

export function route<Query, Body = undefined>(spec: RouteSpec<Query, Body>): Route {
  // The cast holds because the server gives `handle` only what the schemas of the same route have let through.
  return Object.freeze(spec) as unknown as Route
}

export interface Match {
  readonly route: Route
  readonly params: ReadonlyMap<string, string>
}

/** The route of a path below `/api/v1`. Throws `NotFound`, or `MethodNotAllowed` with what is. */
export function matchOf(routes: readonly Route[], method: string, path: string): Match {
  const parts = path.split('/').map(decoded)
  const found = routes.flatMap((one) => {
    const params = paramsOf(one.path.split('/'), parts)
    return params === undefined ? [] : [{ route: one, params }]
  })
  const match = found.find(({ route: one }) => one.method === (method === 'HEAD' ? 'GET' : method))
  if (match !== undefined) return match
  if (found.length === 0) throw new ApiError('NotFound', 'there is nothing under this path')
  const allow = found.map(({ route: one }) => (one.method === 'GET' ? 'GET, HEAD' : one.method)).join(', ')
  throw new ApiError('MethodNotAllowed', `this path knows ${allow}`, { headers: { allow } })
}

function paramsOf(pattern: readonly string[], parts: readonly string[]): ReadonlyMap<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined
  const params = new Map<string, string>()
  for (const [i, wanted] of pattern.entries()) {
    const part = parts[i] ?? ''
    if (wanted.startsWith('{') && part !== '') params.set(wanted.slice(1, -1), part)
    else if (wanted !== part) return undefined
  }
  return params
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new ApiError('InvalidArgument', 'the path is not URL-encoded UTF-8')
  }
}
