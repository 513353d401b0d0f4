import { describe } from 'vitest'
import { listingPromises } from '../../testing/test/database/listing-promises.ts'
import { sqlite, type Sqlite } from '../src/index.ts'
import { openHandle, temporaryFolder } from './database-file.ts'

describe('on a SQLite file', () => {
  listingPromises(() => {
    const folder = temporaryFolder()
    const file = folder.file('workflow.db')
    const opened: Sqlite[] = []
    return {
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
      [Symbol.asyncDispose]: async () => {
        for (const db of opened) await db.close()
        folder[Symbol.dispose]()
      },
    }
  })
})
