/** Events on Kafka or NATS, beside the records in the file: the engine's relay carries them over. */
import type { EventStreamer, RoleScheduler } from '@workflow/core'
import { type BrokerServer, brokerServer, forgetServer } from './broker-server.ts'
import type { Broker } from './cli-options.ts'

export interface EventBroker {
  readonly eventStreamer: EventStreamer
  /** Ends what this process has opened. */
  readonly close: () => Promise<void>
  /** Ends the server too, if it is of this program's own and nobody else needs it; for good, if all orders have ended. */
  readonly leave: (asked: { readonly allEnded: boolean; readonly alone: boolean }) => Promise<void>
}

export interface EventBrokerOptions {
  readonly broker: Broker
  readonly url: string | undefined
  /** Where the server is remembered. */
  readonly file: string
  readonly roleScheduler: RoleScheduler
  readonly note: (line: string) => void
  readonly signal: AbortSignal
}

const role = 'order-processing broker'

export async function openEventBroker(options: EventBrokerOptions): Promise<EventBroker> {
  const { broker, url, file, roleScheduler, note, signal } = options
  note(`Events travel over ${broker}.`)
  // Two that start at once must not make two servers.
  const lease = await roleScheduler.awaitRole(role, { signal, generation: 0 })
  let server: BrokerServer
  try {
    server = await brokerServer(broker, file, url)
  } finally {
    await lease.release()
  }
  note(`${broker}: ${server.url}, ${server.origin}; names there begin with ${server.prefix}\n`)
  const { eventStreamer, close } = await adapterOf(broker, server)
  return {
    eventStreamer,
    close,
    leave: async ({ allEnded, alone }) => {
      if (!alone) return
      await server.stop()
      if (allEnded && url === undefined) await forgetServer(broker, file)
    },
  }
}

/** Loaded when needed: a start without a broker knows nothing of them. */
async function adapterOf(
  broker: Broker,
  { url, prefix }: BrokerServer,
): Promise<{ readonly eventStreamer: EventStreamer; readonly close: () => Promise<void> }> {
  if (broker === 'nats') return (await import('@workflow/nats')).nats({ servers: url, prefix })
  return (await import('@workflow/kafka')).kafka({ brokers: url.split(','), prefix })
}
