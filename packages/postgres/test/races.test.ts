import { describe } from 'vitest'
import { racePromises } from '../../testing/test/database/race-promises.ts'
import { freshSchema, newest } from './database.ts'

describe.skipIf(newest === undefined)('on Postgres', { timeout: 60_000 }, () => {
  racePromises(() => {
    const place = freshSchema()
    return {
      open: (instance) => place.open({ instance, lease: '1s' }),
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    }
  })
})
