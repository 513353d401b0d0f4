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
  readonly dispose: () => void
}

const unseenMax = 1_000

/** `load` gets the page at a cursor, the first one without. */
export function runPages(load: (cursor: string | undefined, signal: AbortSignal) => Promise<RunPageJson>): RunPages {
  const runs = signal<readonly RunJson[]>([])
  const fault = signal<ApiFault | undefined>(undefined)
  const loading = signal(true)
  const more = signal(true)
  const unseen = signal(0)
  const strangers = new Set<string>()
  let places = new Map<string, number>()
  let cursor: string | undefined
  let controller: AbortController | undefined

  const next = async (afresh: boolean): Promise<void> => {
    controller?.abort()
    const own = new AbortController()
    controller = own
    loading.value = true
    try {
      let page = await load(afresh ? undefined : cursor, own.signal)
      // Where few of many are looked for, a page may be empty though there is more to look through.
      while (page.items.length === 0 && page.cursor !== undefined && controller === own) page = await load(page.cursor, own.signal)
      if (controller !== own) return
      const known = afresh ? [] : runs.value
      if (afresh) {
        strangers.clear()
        unseen.value = 0
        places = new Map()
      }
      // A run that is in two pages is shown once.
      const fresh = page.items.filter(({ runId }) => !places.has(runId))
      for (const [i, { runId }] of fresh.entries()) places.set(runId, known.length + i)
      runs.value = [...known, ...fresh]
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
    dispose: () => {
      controller?.abort()
      controller = undefined
    },
  }
}

function moved(run: RunJson, { version, status, state, at }: ChangeJson): RunJson {
  const { pause, ...rest } = run
  const kept = pause !== undefined && state === 'Paused' ? { pause } : {}
  return { ...rest, ...kept, version, status, state, updatedAt: at, enteredAt: status === run.status ? run.enteredAt : at }
}
