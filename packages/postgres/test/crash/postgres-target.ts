import { type Duration, durationMs } from '@workflow/core/adapter'
import type { CrashTarget } from '../../../testing/test/crash/crash-target.ts'
import type { OpenedTarget } from '../../../testing/test/crash/crash-command.ts'
import { postgres } from '../../src/index.ts'
import { FaultProxy } from '../faults/fault-proxy.ts'
import { OwnServer } from '../faults/own-server.ts'
import { databaseFaults } from './database-faults.ts'
import { networkStrikes } from './network-strikes.ts'
import { schema } from './scene.ts'
import { serverStrikes } from './server-strikes.ts'
import { sessionStrikes } from './session-strikes.ts'

const strikes = Object.entries({ ...networkStrikes, ...serverStrikes, ...sessionStrikes })

/** A server of its own, and workers that reach it through proxies, one for each. */
export async function postgresTarget(lease: Duration): Promise<OpenedTarget> {
  const server = await OwnServer.start({ max_connections: '80', deadlock_timeout: '5ms', restart_after_crash: 'on' })
  const proxies = await Promise.all([FaultProxy.before(server.url), FaultProxy.before(server.url)])
  const target: CrashTarget = {
    open: () => postgres({ connectionString: server.url, schema, lease, connections: 6, queryTimeout: '5s' }),
    // The world outside is patient, so that it always knows what became of what it asked for.
    client: { storeTimeout: '2m', logger: silent },
    program: new URL('worker-process.ts', import.meta.url),
    argumentsOf: (place) => [proxies[place]?.url ?? '', lease],
    strike: async (alive, random) => {
      const [name, strike] = strikes[Math.floor(random() * strikes.length)] ?? ['nothing', async () => undefined]
      await strike({ server, proxies, alive, leaseMs: durationMs(lease, 'the lease'), random })
      return name
    },
    faults: () => server.session(databaseFaults),
  }
  return {
    target,
    [Symbol.asyncDispose]: async () => {
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]()
      server[Symbol.dispose]()
    },
  }
}

const nothing = (): void => undefined
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing }
