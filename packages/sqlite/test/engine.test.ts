import { unchecked, workflow } from '@workflow/core'
import { describe, expect, test } from 'vitest'
import { enginePromises } from '../../testing/test/database/engine-promises.ts'
import { sqlite, type SqliteDatabase } from '../src/index.ts'
import { openHandle, temporaryFolder } from './database-file.ts'

const books = workflow('books', { object: unchecked<{ readonly sum: number }>(), graph: { open: { step: ['posted'] }, posted: {} } })
const quiet = (): void => undefined

describe('on a SQLite file', { timeout: 60_000 }, () => {
  enginePromises(() => {
    const folder = temporaryFolder()
    return {
      open: (instance) => sqlite({ file: folder.file('workflow.db'), instance, lease: '600ms', crossProcessPolling: '5ms' }),
      [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
    }
  })

  test("rows of the user's own commit with the transition, or neither does", async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    await using db = sqlite({ file, lease: '600ms' })
    let calls = 0
    await using wf = books
      .transactional<SqliteDatabase>()
      .addStep(
        'open',
        async (run) =>
          run.commit('posted', async (tx) => {
            tx.exec('CREATE TABLE IF NOT EXISTS ledger (run TEXT, sum INTEGER)')
            tx.prepare('INSERT INTO ledger VALUES (?, ?)').run(run.runId, run.object.sum)
            if (++calls === 1) throw new Error('after the row')
          }),
        { errBackOff: '10ms' },
      )
      .build({ ...db, slots: 2, logger: { debug: quiet, info: quiet, warn: quiet, error: quiet } })
    await wf.run()
    const ids = await Promise.all([1, 2, 3].map((sum) => wf.trigger(`b${sum}`, { initialValue: { sum } })))
    for (const id of ids) await wf.awaitCompletion(id, { timeout: '20s' })
    const handle = openHandle(file)
    const rows = handle.prepare('SELECT run, sum FROM ledger ORDER BY sum').all()
    handle.close()
    expect(calls).toBe(4)
    expect(rows).toEqual(ids.map((run, i) => ({ run, sum: i + 1 })))
  })
})
