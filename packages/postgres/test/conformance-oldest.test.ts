import { describe } from 'vitest'
import { registerStreamer } from './conformance.ts'
import { servers } from './database.ts'

/** The other major versions that are here. What could differ is SQL; events of commits need nearly all of it, and the rest is in the long form. */
const others = servers.slice(1)

describe.skipIf(others.length === 0)('on other versions', () => {
  for (const server of others) {
    describe(server.name, () => {
      registerStreamer(server, ['store'])
    })
  }
})
