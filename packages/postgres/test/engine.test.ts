import { unchecked, workflow } from '@workflow/core'
import type { PoolClient } from 'pg'
import { describe, expect, test } from 'vitest'
import { enginePromises } from '../../testing/test/database/engine-promises.ts'
import { freshSchema, newest } from './database.ts'

const books = workflow('books', { object: unchecked<{ readonly sum: number }>(), graph: { open: { step: ['posted'] }, posted: {} } })
const quiet = (): void => undefined

describe.skipIf(newest === undefined)('on Postgres', { timeout: 60_000 }, () => {
  enginePromises(() => {
    const place = freshSchema()
    return {
      open: (instance) => place.open({ instance, lease: '1s' }),
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    }
  })

  test("rows of the user's own commit with the transition, or neither does", async () => {
    await using place = freshSchema()
    const ledger = `${place.schema}_ledger`
    await place.sql(`CREATE TABLE ${ledger} (run text, sum integer)`)
    let calls = 0
    await using wf = books
      .transactional<PoolClient>()
      .addStep(
        'open',
        async (run) =>
          run.commit('posted', async (tx) => {
            await tx.query(`INSERT INTO ${ledger} VALUES ($1, $2)`, [run.runId, run.object.sum])
            if (++calls === 1) throw new Error('after the row')
          }),
        { errBackOff: '10ms' },
      )
      .build({ ...place.open({ lease: '1s' }), slots: 2, logger: { debug: quiet, info: quiet, warn: quiet, error: quiet } })
    await wf.run()
    const ids = await Promise.all([1, 2, 3].map((sum) => wf.trigger(`b${sum}`, { initialValue: { sum } })))
    for (const id of ids) await wf.awaitCompletion(id, { timeout: '20s' })
    const rows = await place.sql(`SELECT run, sum FROM ${ledger} ORDER BY sum`)
    await place.sql(`DROP TABLE ${ledger}`)
    expect(calls).toBe(4)
    expect(rows).toEqual(ids.map((run, i) => [run, i + 1]))
  })
})
