import { describe } from 'vitest'
import { registerStore, registerStreamer } from './conformance.ts'
import { servers } from './database.ts'

/** The other major versions that are here: what differs between them is SQL, and that is in these. */
const others = servers.slice(1)

describe.skipIf(others.length === 0)('on other versions', () => {
  for (const server of others) {
    describe(server.name, () => {
      registerStore(server)
      registerStreamer(server)
    })
  }
})
