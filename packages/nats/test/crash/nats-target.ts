import { setTimeout as sleep } from 'node:timers/promises'
import type { Duration } from '@workflow/core'
import { sqlite } from '@workflow/sqlite'
import type { NatsServer } from '../../../../scripts/services/nats-server.ts'
import type { CrashTarget } from '../../../testing/test/crash/crash-target.ts'
import { nats } from '../../src/index.ts'

const awayMsMax = 1_500
const ignore = (): void => undefined
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore }

/** Records in a file that workers share, and their events on a server that has misfortunes of its own. */
export function natsTarget(file: string, server: NatsServer, lease: Duration): CrashTarget {
  const strikes: Readonly<Record<string, (random: () => number) => Promise<void>>> = {
    'the server is killed and comes back': async (random) => {
      await server.kill()
      await sleep(random() * awayMsMax)
      await server.start()
    },
    'the server is paused': async (random) => {
      await server.pause()
      await sleep(random() * awayMsMax)
      server.resume()
    },
    'the server is restarted': async () => {
      await server.stop()
      await server.start()
    },
  }
  return {
    open: () => {
      const records = sqlite({ file, lease, busyTimeout: '20s' })
      const stream = nats({ servers: server.url, logger: silent })
      const close = async (): Promise<void> => {
        await stream.close()
        await records.close()
      }
      return { ...records, eventStreamer: stream.eventStreamer, close }
    },
    client: { storeTimeout: '2m', logger: silent },
    program: new URL('worker-process.ts', import.meta.url),
    argumentsOf: () => [file, server.url, lease],
    strike: async (_, random) => {
      const [name, strike] = Object.entries(strikes)[Math.floor(random() * 3)] ?? ['nothing', async () => undefined]
      await strike(random)
      return name
    },
    faults: async () => [],
  }
}
