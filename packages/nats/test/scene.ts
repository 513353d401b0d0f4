/** A part of the server that no other test uses, gone when the test has ended. */
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { onTestFinished } from 'vitest'
import type { Nats, NatsOptions } from '../src/index.ts'
import { Names } from '../src/subject.ts'
import { workflowName } from './events.ts'
import { connectTo, freshPrefix, openNats, removeStreams } from './server.ts'

export interface Scene {
  readonly prefix: string
  readonly names: Names
  readonly stream: string
  readonly connection: NatsConnection
  readonly manager: JetStreamManager
  readonly open: (options?: Partial<NatsOptions>) => Nats
}

export async function scene(): Promise<Scene> {
  const prefix = freshPrefix()
  const names = new Names(prefix)
  const connection = await connectTo()
  const opened: Nats[] = []
  onTestFinished(async () => {
    for (const one of opened) await one.close()
    await connection.close()
    await removeStreams(prefix)
  })
  return {
    prefix,
    names,
    stream: names.eventStream(workflowName),
    connection,
    manager: await jetstreamManager(connection),
    open: (options) => {
      const one = openNats(prefix, { checkFrequency: '200ms', ...options })
      opened.push(one)
      return one
    },
  }
}
