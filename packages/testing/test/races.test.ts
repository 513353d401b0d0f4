import { memory, memoryDatabase } from '@workflow/core/memory'
import { describe } from 'vitest'
import { racePromises } from './database/race-promises.ts'

describe('in memory', { timeout: 60_000 }, () => {
  racePromises(() => {
    const database = memoryDatabase()
    return {
      open: (instance) => ({ ...memory({ database, instance }), close: async () => undefined }),
      [Symbol.asyncDispose]: async () => undefined,
    }
  })
})
