import { describe } from 'vitest'
import { registerScheduler, registerStore, registerStreamer } from './conformance.ts'
import { servers } from './database.ts'

/** The rest of the kit on the other major versions that are here: `conformance-oldest.test.ts` has events as commits feed them. */
const others = servers.slice(1)

describe.skipIf(others.length === 0)('on other versions', () => {
  for (const server of others) {
    describe(server.name, () => {
      registerStore(server)
      registerScheduler(server)
      registerStreamer(server, ['sender'])
    })
  }
})
