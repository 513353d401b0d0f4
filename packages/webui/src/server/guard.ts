/**
 * Who may ask what. Order: where the request comes from, then who sends it, then whether they may. What a browser sends for
 * another site gets no further than the first, so that neither a login nor a store can be made to work by it.
 */
import type { Permission } from '../api/workflow-json.ts'
import { ApiError } from './api-error.ts'
import type { Actor, Settings } from './settings.ts'

/** The header that a page of another site cannot send without asking first. */
export const mutationHeader = 'x-workflow-webui'

const authorizeMs = 30_000

/** Throws `CrossSite` for a request that another site has made a browser send. */
export function assertSameSite(request: Request, origins: ReadonlySet<string>, mutates: boolean): void {
  const origin = request.headers.get('origin')
  const fromSite = request.headers.get('sec-fetch-site')
  const allowed = origin !== null && origins.has(origin)
  if (fromSite !== null) {
    // `none`: typed into the address bar, which nothing that changes something ever is.
    const own = fromSite === 'same-origin' || (fromSite === 'none' && !mutates)
    if (!own && !allowed) throw new ApiError('CrossSite', 'this request comes from another site')
  } else if (origin !== null && !allowed && !hostsOf(request).some((host) => host === originHost(origin))) {
    throw new ApiError('CrossSite', `this request comes from another site; behind a proxy, give webui its address in origins`)
  }
  if (mutates && request.headers.get(mutationHeader) === null)
    throw new ApiError('CrossSite', `what changes something needs the header '${mutationHeader}: 1'`)
}

/** As whom the browser asked this server. Some frameworks put a name of their own, like localhost, into a request's address. */
function hostsOf(request: Request): readonly (string | null)[] {
  return [new URL(request.url).host, request.headers.get('host')]
}

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

/**
 * Where nobody is asked who they are: throws `Forbidden` for a name that somebody else may have made point here, because then a
 * page of that name is taken for ours, and reads and does what its visitor could. An address is not made to point elsewhere.
 */
function assertOwnName(request: Request, origins: ReadonlySet<string>): void {
  const asked = `http://${request.headers.get('host') ?? new URL(request.url).host}`
  const name = URL.canParse(asked) ? new URL(asked).hostname : ''
  const isAddress = /^\d+(\.\d+){3}$/.test(name) || name.startsWith('[')
  if (isAddress || name === 'localhost' || name.endsWith('.localhost')) return
  if ([...origins].some((origin) => new URL(origin).hostname === name)) return
  throw new ApiError('Forbidden', 'without authorize, only localhost, addresses and the names in origins are answered')
}

/** Asks `authorize`. Throws `Unauthorized` for what is no actor, so that a mistake in it lets nobody in. */
export async function actorOf(request: Request, settings: Settings): Promise<Actor | Response> {
  if (settings.open) assertOwnName(request, settings.origins)
  const answer: unknown = await authorized(request, settings)
  if (answer instanceof Response) return answer
  if (isActor(answer)) return answer
  throw new ApiError('Unauthorized', 'nobody who may see this is signed in')
}

/** Rejects where it takes too long, or where nobody waits for the answer any more: a request must not be kept for ever. */
async function authorized(request: Request, { authorize, clock }: Settings): Promise<unknown> {
  const over = Promise.withResolvers<never>()
  const gone = (): void => over.reject(new ApiError('Unauthorized', 'the client has gone'))
  using _timer = clock.setTimer(authorizeMs, () => over.reject(new Error(`authorize has given no answer within ${authorizeMs} ms`)))
  request.signal.addEventListener('abort', gone, { once: true })
  try {
    return await Promise.race([authorize(request), over.promise])
  } finally {
    request.signal.removeEventListener('abort', gone)
  }
}

function isActor(value: unknown): value is Actor {
  if (typeof value !== 'object' || value === null) return false
  const { actor, permissions } = value as { readonly actor?: unknown; readonly permissions?: unknown }
  if (typeof actor !== 'string' || actor.length < 1 || actor.length > 255 || !actor.isWellFormed() || actor.includes('\0')) return false
  return Array.isArray(permissions)
}

/** What this actor may do on this server, in a fixed order. Nothing without `view`. */
export function permissionsOf({ permissions }: Actor, readOnly: boolean): readonly Permission[] {
  const all: readonly Permission[] = readOnly ? ['view'] : ['view', 'act', 'delete']
  return permissions.includes('view') ? all.filter((one) => permissions.includes(one)) : []
}

/** Throws `ReadOnly` or `Forbidden`. */
export function assertMay(actor: Actor, permission: Permission, readOnly: boolean): void {
  if (permissionsOf(actor, readOnly).includes(permission)) return
  if (readOnly && permission !== 'view') throw new ApiError('ReadOnly', 'this server is read-only')
  throw new ApiError('Forbidden', `'${actor.actor}' may not do this: it takes the permission '${permission}'`)
}
