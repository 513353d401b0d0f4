/** A list of runs that grows page by page as it is scrolled, and follows changes of the runs in it. */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { ChangeJson } from '../../src/api/change-json.ts'
import type { RunJson, RunPageJson } from '../../src/api/run-json.ts'
import { ApiFault } from '../data/api-client.ts'

export interface RunPages {
  readonly runs: ReadonlySignal<readonly RunJson[]>
  readonly fault: ReadonlySignal<ApiFault | undefined>
  readonly loading: ReadonlySignal<boolean>
  /** There are more pages. */
  readonly more: ReadonlySignal<boolean>
  /** Runs of which a change was heard and which are not in the list. */
  readonly unseen: ReadonlySignal<number>
  readonly loadMore: () => Promise<void>
  readonly reload: () => Promise<void>
  readonly apply: (change: ChangeJson) => void
  /** Changes may have been missed: a list of one page is loaded anew, a longer one becomes `stale`, lest it moves under the eye. */
  readonly missed: () => void
  readonly stale: ReadonlySignal<boolean>
  readonly dispose: () => void
}

const unseenMax = 1_000

/** Gets the page at a cursor, the first one without. */
type LoadPage = (cursor: string | undefined, signal: AbortSignal) => Promise<RunPageJson>

export function runPages(load: LoadPage): RunPages {
  const runs = signal<readonly RunJson[]>([])
  const fault = signal<ApiFault | undefined>(undefined)
  const [loading, more] = [signal(true), signal(true)]
  const [unseen, stale] = [signal(0), signal(false)]
  const strangers = new Set<string>()
  let places = new Map<string, number>()
  let pagesLoaded = 0
  let cursor: string | undefined
  let controller: AbortController | undefined

  const next = async (afresh: boolean): Promise<void> => {
    controller?.abort()
    const own = new AbortController()
    controller = own
    loading.value = true
    try {
      const page = await fullPage(load, afresh ? undefined : cursor, own.signal)
      if (controller !== own) return
      const known = afresh ? [] : runs.value
      if (afresh) {
        strangers.clear()
        unseen.value = 0
        stale.value = false
        places = new Map()
      }
      // A run that is in two pages is shown once.
      const fresh = page.items.filter(({ runId }) => !places.has(runId))
      for (const [i, { runId }] of fresh.entries()) places.set(runId, known.length + i)
      runs.value = [...known, ...fresh]
      pagesLoaded = afresh ? 1 : pagesLoaded + 1
      cursor = page.cursor
      more.value = page.cursor !== undefined
      fault.value = undefined
    } catch (error) {
      if (controller !== own) return
      fault.value = error instanceof ApiFault ? error : new ApiFault('NotUnderstood', String(error), 500)
    }
    controller = undefined
    loading.value = false
  }
  const apply = (change: ChangeJson): void => {
    const place = places.get(change.runId)
    const run = place === undefined ? undefined : runs.value[place]
    if (place === undefined || run === undefined) {
      if (strangers.size < unseenMax) strangers.add(change.runId)
      unseen.value = strangers.size
    } else if (run.version < change.version) runs.value = runs.value.with(place, moved(run, change))
  }
  return {
    runs,
    fault,
    loading,
    more,
    unseen,
    loadMore: async () => {
      if (controller === undefined && more.value) await next(false)
    },
    reload: async () => await next(true),
    apply,
    missed: () => {
      if (pagesLoaded <= 1) void next(true)
      else stale.value = true
    },
    stale,
    dispose: () => {
      controller?.abort()
      controller = undefined
    },
  }
}

/** Where few of many are looked for, a page may be empty though there is more to look through. */
async function fullPage(load: LoadPage, cursor: string | undefined, aborted: AbortSignal): Promise<RunPageJson> {
  let page = await load(cursor, aborted)
  while (page.items.length === 0 && page.cursor !== undefined && !aborted.aborted) page = await load(page.cursor, aborted)
  return page
}

function moved(run: RunJson, { version, status, state, at }: ChangeJson): RunJson {
  const { pause, ...rest } = run
  const kept = pause !== undefined && state === 'Paused' ? { pause } : {}
  return { ...rest, ...kept, version, status, state, updatedAt: at, enteredAt: status === run.status ? run.enteredAt : at }
}
