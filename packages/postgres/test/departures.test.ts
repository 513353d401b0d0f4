/** Batches beside a batch that gets no answer. */
import { expect, test } from 'vitest'
import { layout, unitOf } from '../../testing/test/database/make-unit.ts'
import { freshSchema, newest } from './database.ts'
import { WatchedPool } from './watched-pool.ts'

test.skipIf(newest === undefined)(
  'what is left over of a full batch, or comes later, leaves all the same',
  { timeout: 30_000 },
  async () => {
    await using place = freshSchema()
    const pool = new WatchedPool(place.url)
    const db = place.open({ pool })
    await db.eventStreamer.ensure(layout)
    await db.recordStore.commit(unitOf('first', 1))
    pool.asked.length = 0
    const held = pool.hold('commit_1')
    // One batch takes 400 units.
    const some = Array.from({ length: 410 }, (_, n) => db.recordStore.commit(unitOf(`run-${n}`, 1)))
    await expect.poll(() => pool.count('commit_1')).toBe(2)
    const late = db.recordStore.commit(unitOf('late', 1))
    await expect.poll(() => pool.count('commit_1')).toBe(3)
    held.release()
    for (const result of await Promise.all([...some, late])) expect(result).toMatchObject({ ok: true })
    await db.close()
    await pool.end()
  },
)
