/** Registers the conformance kit for a server. */
import { connectorCases, eventStreamerCases, realTime, type ConformanceCase } from '@workflow/testing/conformance'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { test } from 'vitest'
import { nats } from '../src/index.ts'
import { Names } from '../src/subject.ts'
import { connectTo, freshPrefix, openNats, removeStreams } from './server.ts'

/** Most of a case is waiting: several go on at once, but for those that count what keeps the process alive. */
function register(cases: Iterable<ConformanceCase>): void {
  for (const { name, run } of cases) {
    if (/alive|leaves nothing|frees/.test(name)) test(name, { timeout: 60_000 }, () => run())
    else test.concurrent(name, { timeout: 60_000 }, () => run())
  }
}

/** Events. */
export function registerStreamer(url: string): void {
  register(
    eventStreamerCases({
      capabilities: { multiInstance: true, persistent: true, feeds: ['sender'], kill: true, eventLoss: true },
      start: async () => {
        const prefix = freshPrefix()
        return {
          time: realTime(),
          open: async () => {
            // A connection of its own, which can be torn away like that of a killed process.
            const connection = await connectTo(url)
            const opened = nats({ connection, prefix, requestTimeout: '3s' })
            const close = async (): Promise<void> => {
              await opened.close()
              await connection.close()
            }
            return { port: opened.eventStreamer, close, kill: () => connection.close() }
          },
          loseEvents: async (topic, slot) => {
            const names = new Names(prefix)
            const connection = await connectTo(url)
            const manager = await jetstreamManager(connection)
            await manager.streams.purge(names.eventStream('orders'), { filter: names.event('orders', topic, slot) })
            await connection.close()
          },
          [Symbol.asyncDispose]: () => removeStreams(prefix, url),
        }
      },
    }),
  )
}

/** Streams of others. */
export function registerConnector(url: string): void {
  register(
    connectorCases({
      capabilities: { multiInstance: true, persistent: true, headers: true, fromDate: true },
      start: async () => {
        const prefix = freshPrefix()
        const stream = `${prefix}_foreign`
        const owner = await connectTo(url)
        const manager = await jetstreamManager(owner)
        await manager.streams.add({ name: stream, subjects: [`${prefix}.foreign.*`] })
        return {
          time: realTime(),
          open: async () => {
            const opened = openNats(prefix, { servers: url })
            const port = opened.connector({
              stream,
              key: ({ subject }) => Buffer.from(subject.split('.').at(-1) ?? '', 'base64url').toString(),
            })
            return { port, close: opened.close }
          },
          publish: (events) => publish(owner, `${prefix}.foreign`, events),
          [Symbol.asyncDispose]: async () => {
            await owner.close()
            await removeStreams(prefix, url)
          },
        }
      },
    }),
  )
}

async function publish(
  owner: NatsConnection,
  subject: string,
  events: readonly { readonly key: string; readonly value: unknown; readonly headers?: Readonly<Record<string, string>> }[],
): Promise<void> {
  for (const { key, value, headers: given = {} } of events) {
    const all = headers()
    for (const [name, text] of Object.entries(given)) all.set(name, text)
    await jetstream(owner).publish(`${subject}.${Buffer.from(key).toString('base64url')}`, JSON.stringify(value), { headers: all })
  }
}
