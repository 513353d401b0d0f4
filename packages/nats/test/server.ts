/** The server that the tests of this package share, and what they leave on it. */
import { type JetStreamManager, jetstreamManager, type StreamConfig } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { inject } from 'vitest'
import { type Nats, nats, type NatsOptions } from '../src/index.ts'

/** Undefined where there is none. */
export const serverUrl: string | undefined = inject('natsUrl')
/** Whether tests can start servers of their own. */
export const canStart: boolean = inject('natsStarts')

let count = 0

/** A prefix that nobody else has. */
export function freshPrefix(): string {
  count++
  return `t-${process.pid}-${performance.timeOrigin.toString(36).replace('.', '-')}-${count}`.slice(0, 32)
}

/** A connection of the tests' own. */
export function connectTo(url: string = serverUrl ?? ''): Promise<NatsConnection> {
  return connect({ servers: url })
}

/** Opens the adapter, as a process would. */
export function openNats(prefix: string, options: Partial<NatsOptions> = {}): Nats {
  const place = options.connection === undefined ? { servers: serverUrl ?? '' } : {}
  return nats({ ...place, prefix, requestTimeout: '3s', ...options })
}

/** Deletes whatever a prefix has on a server. */
export async function removeStreams(prefix: string, url?: string): Promise<void> {
  const connection = await connectTo(url)
  const manager = await jetstreamManager(connection)
  for await (const name of manager.streams.names()) if (name.startsWith(`${prefix}_`)) await manager.streams.delete(name)
  await connection.close()
}

/** Deletes a stream and makes another one of its name, which a server refuses as long as files of the old one are there. */
export async function replaceStream(manager: JetStreamManager, config: { readonly name: string } & Partial<StreamConfig>): Promise<void> {
  await manager.streams.delete(config.name)
  for (let left = 100; ; left--) {
    try {
      await manager.streams.add(config)
      return
    } catch (error) {
      if (left === 0 || !(error instanceof Error) || !error.message.includes('creating store')) throw error
    }
  }
}

/** A connection of which something is otherwise. */
export function overridden(connection: NatsConnection, by: Partial<NatsConnection>): NatsConnection {
  return new Proxy(connection, {
    get: (target, key) => {
      if (key in by) return Reflect.get(by, key) as unknown
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
