import { describe, vi } from 'vitest'
import { registerScheduler } from './conformance.ts'
import { newest } from './database.ts'

// Most of a case is waiting for leases, which are long enough for a busy machine.
vi.setConfig({ maxConcurrency: 12 })

describe.skipIf(newest === undefined)(`on ${newest?.name ?? 'no server'}`, () => {
  if (newest !== undefined) registerScheduler(newest)
})
