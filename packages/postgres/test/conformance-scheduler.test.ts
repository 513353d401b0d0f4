import { describe } from 'vitest'
import { registerScheduler } from './conformance.ts'
import { newest } from './database.ts'

describe.skipIf(newest === undefined)(`on ${newest?.name ?? 'no server'}`, () => {
  if (newest !== undefined) registerScheduler(newest)
})
