import { describe } from 'vitest'
import { listingPromises } from '../../testing/test/database/listing-promises.ts'
import { freshSchema, newest } from './database.ts'

describe.skipIf(newest === undefined)('on Postgres', () => {
  listingPromises(() => {
    const place = freshSchema()
    return {
      open: () => place.open().recordStore,
      move: async (runId, seq) => void (await place.sql('UPDATE {record} SET seq = $1 WHERE run_id = $2', [seq, runId])),
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    }
  })
})
