/** What every part of the pages knows: who looks, where they are, how to ask, and what happens meanwhile. */
import { type ReadonlySignal, signal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { ChangeJson } from '../../src/api/change-json.ts'
import type { SessionJson, WorkflowJson } from '../../src/api/workflow-json.ts'
import { type Ask, apiClient } from '../data/api-client.ts'
import { type PageRoute, pathOf, routeOf } from '../data/route-path.ts'
import { changeStream, type StreamState } from '../live/change-stream.ts'
import { type Resource, resource } from '../live/resource.ts'

export interface Place {
  readonly route: PageRoute
  readonly parameters: URLSearchParams
}

export interface Site {
  readonly ask: Ask
  readonly session: Resource<SessionJson>
  readonly place: ReadonlySignal<Place>
  /** Milliseconds since 1970, each ten seconds anew: ages are read at a glance. */
  readonly now: ReadonlySignal<number>
  readonly stream: ReadonlySignal<StreamState>
  readonly message: ReadonlySignal<string | undefined>
  readonly say: (text: string) => void
  /** Goes to a page; `replace` leaves no step back. */
  readonly go: (route: PageRoute, options?: GoOptions) => void
  /** The address of a page. */
  readonly href: (route: PageRoute, parameters?: URLSearchParams) => string
  /** Hears changes, and `undefined` where some may have been missed. Gives what ends it. */
  readonly hear: (listener: (change: ChangeJson | undefined) => void) => () => void
}

export interface GoOptions {
  readonly parameters?: URLSearchParams
  readonly replace?: boolean
}

const tickMs = 10_000
const messageMs = 6_000

/** `root`: the address of the pages, with a slash at its end. */
export function siteOf(root: string): Site {
  const ask = apiClient(root, (url, init) => fetch(url, init))
  const place = signal(placeOf(root))
  const now = signal(Date.now())
  const stream = signal<StreamState>('connecting')
  const message = signal<string | undefined>(undefined)
  const listeners = new Set<(change: ChangeJson | undefined) => void>()
  const tell = (change: ChangeJson | undefined): void => {
    for (const listener of listeners) listener(change)
  }
  setInterval(() => (now.value = Date.now()), tickMs)
  addEventListener('popstate', () => (place.value = placeOf(root)))
  changeStream({
    connect: () => new EventSource(`${root}api/v1/changes`),
    onChange: tell,
    onRefresh: () => tell(undefined),
    onState: (state) => (stream.value = state),
    setTimer: timer,
  })
  let hide: (() => void) | undefined
  const href = (route: PageRoute, parameters?: URLSearchParams): string => `${root}${pathOf(route, parameters)}`
  return {
    ask,
    session: resource((aborted) => ask<SessionJson>('/session', { signal: aborted }), { setTimer: timer }),
    place,
    now,
    stream,
    message,
    say: (text) => {
      hide?.()
      message.value = text
      hide = timer(messageMs, () => (message.value = undefined))
    },
    go: (route, { parameters, replace = false } = {}) => {
      const before = place.value.route
      history[replace ? 'replaceState' : 'pushState'](undefined, '', href(route, parameters))
      place.value = placeOf(root)
      if (pathOf(before) !== pathOf(route)) scrollTo(0, 0)
    },
    href,
    hear: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

function placeOf(root: string): Place {
  const { pathname, search } = location
  return { route: routeOf(pathname.slice(new URL(root).pathname.length)), parameters: new URLSearchParams(search) }
}

export function timer(ms: number, run: () => void): () => void {
  const id = setTimeout(run, ms)
  return () => clearTimeout(id)
}

const siteContext = createContext<Site | undefined>(undefined)
export const SiteProvider = siteContext.Provider

export function useSite(): Site {
  const site = useContext(siteContext)
  if (site === undefined) throw new Error('this is shown outside of a site')
  return site
}

/** The process of a workflow by its name. */
export function useWorkflow(name: string): WorkflowJson | undefined {
  return useSite().session.value.value?.workflows.find((one) => one.name === name)
}

/** What the actor may do here. */
export function useMay(permission: 'act' | 'delete'): boolean {
  const session = useSite().session.value.value
  return session?.permissions.includes(permission) === true && !session.readOnly
}
