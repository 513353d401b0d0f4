/** The pages and their addresses. */

export type PageRoute =
  | { readonly page: 'dashboard' }
  | { readonly page: 'runs'; readonly workflow: string }
  | { readonly page: 'run'; readonly workflow: string; readonly runId: string }
  | { readonly page: 'workflow'; readonly workflow: string }
  | { readonly page: 'analytics'; readonly workflow: string }
  | { readonly page: 'unknown'; readonly path: string }

/** `path`: below the root, without a slash at its beginning. */
export function routeOf(path: string): PageRoute {
  const parts = decodedParts(path)
  if (parts === undefined) return { page: 'unknown', path }
  const [first, workflow, third, ...more] = parts
  if (first === undefined) return { page: 'dashboard' }
  if (workflow === undefined || more.length > 0) return { page: 'unknown', path }
  if (first === 'runs') return third === undefined ? { page: 'runs', workflow } : { page: 'run', workflow, runId: third }
  if (first === 'workflows' && third === undefined) return { page: 'workflow', workflow }
  if (first === 'workflows' && third === 'analytics') return { page: 'analytics', workflow }
  return { page: 'unknown', path }
}

function decodedParts(path: string): readonly string[] | undefined {
  try {
    return path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent)
  } catch {
    return undefined
  }
}

/** Below the root: what `routeOf` reads. `parameters` are put behind it. */
export function pathOf(route: PageRoute, parameters?: URLSearchParams): string {
  const query = parameters === undefined || parameters.size === 0 ? '' : `?${parameters.toString()}`
  return `${partsOf(route).map(encodeURIComponent).join('/')}${query}`
}

function partsOf(route: PageRoute): readonly string[] {
  switch (route.page) {
    case 'dashboard':
      return []
    case 'runs':
      return ['runs', route.workflow]
    case 'run':
      return ['runs', route.workflow, route.runId]
    case 'workflow':
      return ['workflows', route.workflow]
    case 'analytics':
      return ['workflows', route.workflow, 'analytics']
    case 'unknown':
      return route.path.split('/')
  }
}
