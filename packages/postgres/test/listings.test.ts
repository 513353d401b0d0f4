import { describe, expect, test } from 'vitest'
import { copiedColumns, listingPromises } from '../../testing/test/database/listing-promises.ts'
import { unitOf } from '../../testing/test/database/make-unit.ts'
import { freshSchema, newest } from './database.ts'

describe.skipIf(newest === undefined)('on Postgres', () => {
  listingPromises(() => {
    const place = freshSchema()
    return {
      emptyPages: 4,
      open: () => place.open().recordStore,
      move: async (runId, seq) => void (await place.sql('UPDATE {record} SET seq = $1 WHERE run_id = $2', [seq, runId])),
      fill: async (count) => {
        const columns = await place.sql(
          "SELECT attname FROM pg_attribute WHERE attrelid = '{record}'::regclass AND attnum > 0 AND NOT attisdropped",
        )
        const { names, values } = copiedColumns(columns.map(([name]) => String(name)))
        await place.sql(`INSERT INTO {record} (${names}) SELECT ${values} FROM {record}, generate_series(1, ${count}) AS series(n)`)
      },
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    }
  })

  test('runs that came one by one are looked through like those that came together', async () => {
    await using place = freshSchema()
    const store = place.open().recordStore
    for (let i = 0; i < 60; i++) await store.commit(unitOf(`run-${i}`, 1))
    const [[between = 0] = []] = await place.sql('SELECT max(seq) - min(seq) FROM {record}')
    // Each of them was a batch of its own.
    expect(Number(between)).toBeGreaterThan(500_000)
    for (const order of ['oldest', 'newest'] as const)
      expect(await store.list({ order, metadata: { city: 'nowhere' } }, { limit: 10 })).toEqual({ items: [] })
    expect(await store.count({}, 'runState')).toEqual(new Map([['Running', 60]]))
  })
})
