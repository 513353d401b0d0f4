import type { Page, PageOptions, StoredTimer, TimeoutStore, Timer } from '@workflow/core/adapter'
import { allPages } from '../paging.ts'
import { workflowName } from '../runs.ts'
import { afterNoon } from '../timers.ts'

/** Everything that is due at a time, page by page. */
export function allDue(
  store: TimeoutStore,
  before: Date = afterNoon(0),
  slots: readonly number[] = [0, 1, 2, 3],
  limit = 100,
): Promise<readonly Timer[]> {
  return allPages((page) => store.due({ workflowName, slots, before }, page), limit)
}

/** Every timer of an owner, or of the store. */
export function allTimersOf(store: TimeoutStore, owner?: string, status?: 'open' | 'settled'): Promise<readonly StoredTimer[]> {
  const read = (page: PageOptions): Promise<Page<StoredTimer>> =>
    store.list({ ...(owner === undefined ? {} : { owner }), ...(status === undefined ? {} : { status }) }, page)
  return allPages(read, 100)
}

/** The names of timers, in their order. */
export function namesOf(timers: readonly Timer[]): readonly string[] {
  return timers.map(({ key }) => key.name)
}
