/** Listings that find little in much room. */
import { describe, expect, test } from 'vitest'
import { freshSchema, newest } from './database.ts'
import { unitOf } from '../../testing/test/database/make-unit.ts'
import { WatchedPool } from './watched-pool.ts'

const far = 1_000_000_000

describe.skipIf(newest === undefined)('a listing', () => {
  test.each(['oldest', 'newest'] as const)('of the %s runs passes over what has been purged, however much it was', async (order) => {
    await using place = freshSchema()
    const pool = new WatchedPool(place.url)
    const { recordStore, close } = place.open({ pool })
    await recordStore.commit(unitOf('a', 1))
    await place.sql(`SELECT setval('{record_seq}', ${far})`)
    await recordStore.commit(unitOf('b', 1))
    await place.sql(`SELECT setval('{record_seq}', ${2 * far})`)
    for (const runId of ['c', 'd']) await recordStore.commit(unitOf(runId, 1))
    pool.asked.length = 0
    const names = order === 'oldest' ? ['a', 'b', 'c', 'd'] : ['d', 'c', 'b', 'a']
    const whole = await recordStore.list({ order }, { limit: 10 })
    expect([whole.items.map(({ runId }) => runId), whole.next]).toEqual([names, undefined])
    const read: string[] = []
    for (let after: string | undefined, pages = 0; pages < 5; pages++) {
      const { items, next } = await recordStore.list(
        { order, runState: ['Running'] },
        { limit: 3, ...(after === undefined ? {} : { after }) },
      )
      read.push(...items.map(({ runId }) => runId))
      after = next
      if (next === undefined) break
    }
    expect(read).toEqual(names)
    expect(await recordStore.list({ order, status: ['nothing'] }, { limit: 10 })).toEqual({ items: [] })
    expect(pool.asked.length).toBeLessThan(40)
    await close()
    await pool.end()
  })

  test('of what is unfinished, or whose data is to be deleted, knows each state of a run', async () => {
    await using place = freshSchema()
    const { recordStore } = place.open()
    const listed = async (...runState: readonly ('Running' | 'Paused' | 'Completed' | 'RequestedDataDeleted' | 'DataDeleted')[]) =>
      (await recordStore.list({ runState }, { limit: 10 })).items.map(({ runId, runState: state }) => `${runId} ${state}`)
    for (const [index, state] of (['Running', 'Paused', 'Completed', 'RequestedDataDeleted', 'DataDeleted'] as const).entries()) {
      const { id, changes = [] } = unitOf('run', index + 1)
      const changed = changes.map((change) => {
        const { next, event, history } = change
        const ends = state === 'Completed' || state.endsWith('DataDeleted') ? { finishedAt: next.updatedAt } : {}
        const pause = state === 'Paused' ? { pause: { by: 'engine' as const, reason: next.object } } : {}
        const states = [state]
        return {
          ...change,
          next: { ...next, runState: state, ...ends, ...pause },
          event: { ...event, states },
          history: { ...history, states },
        }
      })
      expect(await recordStore.commit({ id, changes: changed })).toMatchObject({ ok: true })
      expect(await listed('Running', 'Paused', 'RequestedDataDeleted')).toEqual(
        ['Running', 'Paused', 'RequestedDataDeleted'].includes(state) ? [`run ${state}`] : [],
      )
      expect(await listed(state)).toEqual([`run ${state}`])
      expect(await listed('Completed', 'Running')).toEqual(['Completed', 'Running'].includes(state) ? [`run ${state}`] : [])
    }
  })
})
