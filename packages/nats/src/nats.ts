import type { Connector, EventStreamer } from '@workflow/core/adapter'
import { connectorOf, type NatsConnectorOptions } from './connector.ts'
import { NatsEventStreamer } from './event-streamer.ts'
import { Session } from './session.ts'
import { settingsOf, type NatsOptions } from './settings.ts'

/** How long what is on its way may take when everything is closed. */
const closeMs = 5_000

/** What `nats` answers. */
export interface Nats extends AsyncDisposable {
  readonly eventStreamer: EventStreamer
  /** A source for `addConnector`: a stream of JetStream that belongs to somebody else. */
  readonly connector: (options: NatsConnectorOptions) => Connector
  /** Ends everything that was opened from it, and the connection if it is ours. Idempotent. */
  readonly close: () => Promise<void>
}

/**
 * Workflow's events on NATS JetStream, 2.10 or newer, for any number of processes.
 *
 * Opens nothing by itself: the first use connects and creates the streams. Throws `Configuration` for options that cannot work.
 */
export function nats(options: NatsOptions): Nats {
  const session = new Session(settingsOf(options))
  const eventStreamer = new NatsEventStreamer(session)
  const connectors = new Set<{ readonly close: () => Promise<void> }>()
  let closed: Promise<void> | undefined
  const close = (): Promise<void> =>
    (closed ??= (async () => {
      const done = Promise.allSettled([eventStreamer.close(), ...Array.from(connectors, (connector) => connector.close())])
      // What is on its way is given its time before the connection goes; without one nothing waits for an answer any more.
      const limit = Promise.withResolvers<void>()
      const timer = setTimeout(limit.resolve, closeMs)
      await Promise.race([done, limit.promise])
      clearTimeout(timer)
      await session.close()
      await done
    })())
  return {
    eventStreamer,
    connector: (source) => {
      const { connect, close } = connectorOf(session, source)
      connectors.add({ close })
      return { connect }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
