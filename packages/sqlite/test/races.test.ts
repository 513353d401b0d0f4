import { describe } from 'vitest'
import { racePromises } from '../../testing/test/database/race-promises.ts'
import { sqlite } from '../src/index.ts'
import { temporaryFolder } from './database-file.ts'

describe('on a SQLite file', { timeout: 60_000 }, () => {
  racePromises(() => {
    const folder = temporaryFolder()
    return {
      open: (instance) => sqlite({ file: folder.file('workflow.db'), instance, lease: '600ms', crossProcessPolling: '5ms' }),
      [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
    }
  })
})
