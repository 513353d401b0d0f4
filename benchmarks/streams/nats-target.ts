import { randomUUID } from 'node:crypto'
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { nats } from '@workflow/nats'
import { installNats } from '../../scripts/services/nats-binaries.ts'
import { startNats } from '../../scripts/services/nats-server.ts'
import { usageOf } from './process-usage.ts'
import type { BareMessage, StreamTarget } from './stream-target.ts'

/** A server of its own, with its own settings. */
export async function natsTarget(): Promise<StreamTarget> {
  const { version } = installNats()
  const server = await startNats()
  return {
    name: 'nats',
    about: `NATS ${version}, one server on the same machine, JetStream in files, synced as by default`,
    open: () => {
      const { eventStreamer, close } = nats({ servers: server.url, prefix: `b-${randomUUID().slice(0, 8)}` })
      return { eventStreamer, close }
    },
    bare: (messages, atOnce) => bare(server.url, messages, atOnce),
    server: () => usageOf(server.place.folder),
    [Symbol.asyncDispose]: async () => server.remove(),
  }
}

async function bare(url: string, messages: readonly BareMessage[], atOnce: number): Promise<void> {
  const connection = await connect({ servers: url })
  const manager = await jetstreamManager(connection)
  const client = jetstream(connection)
  const name = `bare-${randomUUID()}`
  await manager.streams.add({ name, subjects: [`${name}.*`] })
  const info = await manager.consumers.add(name, { durable_name: 'reader', ack_policy: AckPolicy.Explicit, max_ack_pending: 10_000 })
  const incoming = await client.consumers.getConsumerFromInfo(info).consume({ max_messages: 2_000 })
  const reading = (async () => {
    let seen = 0
    for await (const message of incoming) {
      JSON.parse(message.string())
      message.ack()
      if (++seen === messages.length) break
    }
    await connection.flush()
  })()
  for (let from = 0; from < messages.length; from += atOnce)
    await Promise.all(messages.slice(from, from + atOnce).map(({ text }, n) => client.publish(`${name}.${n % 16}`, text)))
  await reading
  await manager.streams.delete(name)
  await connection.close()
}
