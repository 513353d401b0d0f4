/** Listings that find little in much room, on databases that other tests need not know. */
import type { RecordStore, RunState } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { unitOf } from './make-unit.ts'

/** A database that is empty at first, and gone when it is disposed. */
export interface ListedDatabase extends AsyncDisposable {
  /** The same database with each call, as a process that has just started sees it. */
  readonly open: () => Pick<RecordStore, 'commit' | 'list'>
  /** Gives a run another place in the order of all runs. */
  readonly move: (runId: string, seq: number) => Promise<void>
  /** Adds so many runs like the one that is there, the only one. */
  readonly fill: (count: number) => Promise<void>
  /** Into so many pages 70,000 runs are divided where none is found: the fewest, from either end. */
  readonly emptyPages: number
}

/** The columns of a table, as a statement takes them from the only row of it for each `n` of a series. */
export function copiedColumns(columns: readonly string[]): { readonly names: string; readonly values: string } {
  const changed = new Map([
    ['seq', 'seq + n'],
    ['run_id', "run_id || '-' || n"],
    ['foreign_id', "foreign_id || '-' || n"],
  ])
  return { names: columns.join(), values: columns.map((column) => changed.get(column) ?? column).join() }
}

const far = 1_000_000_000

/** Registers a test per promise, on databases that `fresh` makes. */
export function listingPromises(fresh: () => ListedDatabase): void {
  test.each(['oldest', 'newest'] as const)('a listing of the %s runs passes over what has been purged, however much', async (order) => {
    await using place = fresh()
    const runs = ['a', 'b', 'c', 'd']
    const writer = place.open()
    for (const runId of runs) await writer.commit(unitOf(runId, 1))
    for (const [runId, seq] of [
      ['d', 2 * far + 1],
      ['c', 2 * far],
      ['b', far],
    ] as const)
      await place.move(runId, seq)
    const store = place.open()
    const names = order === 'oldest' ? runs : runs.toReversed()
    const whole = await store.list({ order }, { limit: 10 })
    expect([whole.items.map(({ runId }) => runId), whole.next]).toEqual([names, undefined])
    const first = await store.list({ order, runState: ['Running'] }, { limit: 3 })
    const rest = await store.list(
      { order, runState: ['Running'] },
      { limit: 3, ...(first.next === undefined ? {} : { after: first.next }) },
    )
    expect([...first.items, ...rest.items].map(({ runId }) => runId)).toEqual(names)
    expect(rest.next).toBeUndefined()
    expect(await store.list({ order, status: ['nothing'] }, { limit: 10 })).toEqual({ items: [] })
  })

  test.each(['oldest', 'newest'] as const)(
    'a page of the %s runs ends soon where few of many are looked for, and leads on',
    async (order) => {
      await using place = fresh()
      await place.open().commit(unitOf('run', 1))
      await place.fill(70_000)
      const store = place.open()
      const metadata = { city: 'nowhere' }
      let pages = 0
      let after: string | undefined
      do {
        const page = await store.list({ order, metadata }, { limit: 10, ...(after === undefined ? {} : { after }) })
        expect(page.items).toEqual([])
        pages++
        after = page.next
      } while (after !== undefined)
      // Numbers that were skipped may make it one more.
      expect(pages - place.emptyPages).toBeOneOf([0, 1])
      // What is found at once does not wait for that.
      expect((await store.list({ order, runState: ['Running'] }, { limit: 100 })).items).toHaveLength(100)
    },
  )

  test('a listing of what is unfinished, or whose data is to be deleted, knows each state of a run', async () => {
    await using place = fresh()
    const store = place.open()
    const listed = async (...runState: readonly RunState[]): Promise<readonly string[]> =>
      (await store.list({ runState }, { limit: 10 })).items.map(({ runId, runState: state }) => `${runId} ${state}`)
    const states: readonly RunState[] = ['Running', 'Paused', 'Completed', 'RequestedDataDeleted', 'DataDeleted']
    for (const [index, state] of states.entries()) {
      const { id, changes = [] } = unitOf('run', index + 1)
      const changed = changes.map((change) => {
        const { next, event, history } = change
        const ends = state === 'Completed' || state.endsWith('DataDeleted') ? { finishedAt: next.updatedAt } : {}
        const pause = state === 'Paused' ? { pause: { by: 'engine' as const, reason: next.object } } : {}
        return {
          ...change,
          next: { ...next, runState: state, ...ends, ...pause },
          event: { ...event, states: [state] },
          history: { ...history, states: [state] },
        }
      })
      expect(await store.commit({ id, changes: changed })).toMatchObject({ ok: true })
      const isOpen = state === 'Running' || state === 'Paused' || state === 'RequestedDataDeleted'
      expect(await listed('Running', 'Paused', 'RequestedDataDeleted')).toEqual(isOpen ? [`run ${state}`] : [])
      expect(await listed(state)).toEqual([`run ${state}`])
      expect(await listed('Completed', 'Running')).toEqual(state === 'Completed' || state === 'Running' ? [`run ${state}`] : [])
    }
  })
}
