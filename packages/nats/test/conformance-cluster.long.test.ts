/** The kit on three servers: streams with three replicas, whose leaders and consumers are on different ones. */
import { afterAll, describe } from 'vitest'
import { startNatsCluster } from '../../../scripts/services/nats-server.ts'
import { registerConnector, registerStreamer } from './conformance.ts'
import { canStart } from './server.ts'

const servers = canStart ? await startNatsCluster(3) : []
afterAll(() => {
  for (const server of servers) server.remove()
})

describe.skipIf(!canStart)('on a cluster of three', () => {
  const url = servers[0]?.url ?? ''
  describe('event streamer', () => registerStreamer(url))
  describe('connector', () => registerConnector(url))
})
