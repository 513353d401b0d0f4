/** Filters that somebody has given a name, kept in their browser. */

export interface SavedView {
  readonly name: string
  readonly workflow: string
  /** The query of the page's URL. */
  readonly query: string
}

/** What is used of `localStorage`, which may refuse. */
export type ViewStore = Pick<Storage, 'getItem' | 'setItem'>

const key = 'workflow.views'
const viewsMax = 50

/** In the order in which they were saved. What cannot be read is no view. */
export function savedViews(store: ViewStore): readonly SavedView[] {
  try {
    const stored: unknown = JSON.parse(store.getItem(key) ?? '[]')
    return Array.isArray(stored) ? stored.filter(isView) : []
  } catch {
    return []
  }
}

/** Gives the views with this one, in place of one of the same name and workflow. Keeps the newest where there are too many. */
export function saveView(store: ViewStore, view: SavedView): readonly SavedView[] {
  return written(store, [...without(savedViews(store), view), view].slice(-viewsMax))
}

export function forgetView(store: ViewStore, view: SavedView): readonly SavedView[] {
  return written(store, without(savedViews(store), view))
}

function without(views: readonly SavedView[], { name, workflow }: SavedView): readonly SavedView[] {
  return views.filter((one) => one.name !== name || one.workflow !== workflow)
}

/** A browser that keeps nothing still shows the views until the page is left. */
function written(store: ViewStore, views: readonly SavedView[]): readonly SavedView[] {
  try {
    store.setItem(key, JSON.stringify(views))
  } catch {
    return views
  }
  return views
}

function isView(value: unknown): value is SavedView {
  if (typeof value !== 'object' || value === null) return false
  const { name, workflow, query } = value as { readonly [Name in keyof SavedView]?: unknown }
  return typeof name === 'string' && name !== '' && typeof workflow === 'string' && typeof query === 'string'
}
