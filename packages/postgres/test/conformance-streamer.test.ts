import { describe } from 'vitest'
import { registerStreamer } from './conformance.ts'
import { newest } from './database.ts'

describe.skipIf(newest === undefined)(`on ${newest?.name ?? 'no server'}`, () => {
  if (newest !== undefined) registerStreamer(newest)
})
