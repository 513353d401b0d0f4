/** The engine on records in a file and events on NATS: several instances, each with a connection of its own. */
import { sqlite } from '@workflow/sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { describe, test } from 'vitest'
import { enginePromises } from '../../testing/test/database/engine-promises.ts'
import { lossRepair } from '../../testing/test/database/loss-repair.ts'
import { Names } from '../src/subject.ts'
import { connectTo, freshPrefix, openNats, removeStreams, serverUrl } from './server.ts'

describe.skipIf(serverUrl === undefined)('on NATS', { timeout: 60_000 }, () => {
  enginePromises(() => {
    const prefix = freshPrefix()
    const folder = mkdtempSync(join(tmpdir(), 'workflow-nats-'))
    return {
      open: (instance) => {
        const records = sqlite({ file: join(folder, 'records.db'), instance, lease: '1s' })
        const stream = openNats(prefix)
        const close = async (): Promise<void> => {
          await stream.close()
          await records.close()
        }
        return { ...records, eventStreamer: stream.eventStreamer, close }
      },
      [Symbol.asyncDispose]: async () => {
        await removeStreams(prefix)
        rmSync(folder, { recursive: true, force: true })
      },
    }
  })

  test('runs whose events were dropped unread are found in the store', async () => {
    const prefix = freshPrefix()
    const names = new Names(prefix)
    await lossRepair(
      () => openNats(prefix),
      async (topic) => {
        const connection = await connectTo()
        const manager = await jetstreamManager(connection)
        await manager.streams.purge(names.eventStream('parcels'), { filter: names.event('parcels', topic, '*') })
        await connection.close()
      },
    )
    await removeStreams(prefix)
  })
})
