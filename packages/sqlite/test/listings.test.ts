import { describe } from 'vitest'
import { copiedColumns, listingPromises } from '../../testing/test/database/listing-promises.ts'
import { sqlite, type Sqlite } from '../src/index.ts'
import { openHandle, temporaryFolder } from './database-file.ts'

describe('on a SQLite file', () => {
  listingPromises(() => {
    const folder = temporaryFolder()
    const file = folder.file('workflow.db')
    const opened: Sqlite[] = []
    return {
      emptyPages: 2,
      open: () => {
        const db = sqlite({ file })
        opened.push(db)
        return db.recordStore
      },
      move: async (runId, seq) => {
        const handle = openHandle(file)
        handle.prepare('UPDATE workflow_record SET seq = ? WHERE run_id = ?').run(seq, runId)
        handle.close()
      },
      fill: async (count) => {
        const handle = openHandle(file)
        const columns = handle.prepare("SELECT name FROM pragma_table_info('workflow_record')").all() as { readonly name: string }[]
        const { names, values } = copiedColumns(columns.map(({ name }) => name))
        handle
          .prepare(
            `WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < ?)
             INSERT INTO workflow_record (${names}) SELECT ${values} FROM workflow_record, series`,
          )
          .run(count)
        handle.close()
      },
      [Symbol.asyncDispose]: async () => {
        for (const db of opened) await db.close()
        folder[Symbol.dispose]()
      },
    }
  })
})
