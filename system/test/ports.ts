/** All ports of one process: records and timers in Postgres, events on a broker, roles on etcd or in Postgres. */
import type { Duration, EventStreamer, Logger } from '@workflow/core'
import { kafka, kafkajsDriver } from '@workflow/kafka'
import { nats } from '@workflow/nats'
import { postgres } from '@workflow/postgres'
import { rinkLikeScheduler } from '@workflow/rink-like-scheduler'
import { connect } from 'node:net'
import type { CrashPorts } from '../../packages/testing/test/crash/crash-target.ts'
import type { BrokerKind } from './servers.ts'
import { schema } from '../../packages/postgres/test/crash/scene.ts'

/** Where a process finds its servers: straight, or through proxies of its own. Plain data, so that it fits an argument. */
export interface Addresses {
  readonly postgres: string
  readonly kind: BrokerKind
  readonly broker: readonly string[]
  /** Of Kafka: where the broker says that it is, to which clients would go. */
  readonly advertised: readonly string[]
  /** Empty where roles are in Postgres. */
  readonly etcd: readonly string[]
  readonly lease: Duration
}

/** What everything on brokers and etcd begins with. */
export const prefix = 'crash'
const queryTimeout = '3s'
const requestTimeout = '2s'

/** Opens nothing before it is used. A server that has gone silent is given up after two or three seconds. `onClosed` is told what has closed. */
export function openPorts(
  addresses: Addresses,
  instance: string,
  logger: Logger,
  onClosed: (what: string) => void = () => undefined,
): CrashPorts {
  const { lease } = addresses
  const records = postgres({ connectionString: addresses.postgres, schema, lease, instance, connections: 8, queryTimeout })
  const stream = openStream(addresses, logger)
  const roleScheduler =
    addresses.etcd.length === 0 ? records.roleScheduler : rinkLikeScheduler({ endpoints: addresses.etcd, prefix, lease, instance })
  const close = async (): Promise<void> => {
    if (roleScheduler !== records.roleScheduler) await roleScheduler.close()
    onClosed('roles')
    await stream.close()
    onClosed('stream')
    await records.close()
    onClosed('records')
  }
  return { recordStore: records.recordStore, timeoutStore: records.timeoutStore, eventStreamer: stream.eventStreamer, roleScheduler, close }
}

interface Stream {
  readonly eventStreamer: EventStreamer
  readonly close: () => Promise<void>
}

function openStream({ kind, broker, advertised }: Addresses, logger: Logger): Stream {
  if (kind === 'nats') {
    // Else the client would find its way around the proxies by itself.
    const connect = { ignoreClusterUpdates: true, reconnectTimeWait: 200 }
    return nats({ servers: broker, prefix, connect, requestTimeout, checkFrequency: '1s', keep: '1d', logger })
  }
  const ways = new Map(advertised.map((url, n) => [new URL(url).port, new URL(broker[n] ?? url)]))
  const driver = kafkajsDriver({
    brokers: advertised.map((url) => new URL(url).host),
    clientId: 'crash',
    connectionTimeout: 2_000,
    requestTimeout: 2_000,
    socketFactory: ({ port, onConnect }) => connect({ host: '127.0.0.1', port: Number(ways.get(String(port))?.port ?? port) }, onConnect),
  })
  return kafka({ driver, prefix, logger })
}
