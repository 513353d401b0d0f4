/** The servers of one test: Postgres, a broker and etcd, each its own, which the test may break. */
import { installEtcd } from '../../scripts/services/etcd-binaries.ts'
import { startEtcd, startEtcdCluster } from '../../scripts/services/etcd-server.ts'
import type { Daemon } from '../../scripts/services/daemon.ts'
import { installKafka } from '../../scripts/services/kafka-binaries.ts'
import { startKafka } from '../../scripts/services/kafka-server.ts'
import { installNats } from '../../scripts/services/nats-binaries.ts'
import { startNats, startNatsCluster } from '../../scripts/services/nats-server.ts'
import { OwnServer } from '../../packages/postgres/test/faults/own-server.ts'

export const brokerKinds = ['kafka', 'nats'] as const
export type BrokerKind = (typeof brokerKinds)[number]
export const roleKinds = ['etcd', 'postgres'] as const
export type RoleKind = (typeof roleKinds)[number]

/** One program of a cluster, and where it is, as a URL. */
export interface Member {
  readonly url: string
  readonly daemon: Daemon
}

export interface Servers extends Disposable {
  readonly postgres: OwnServer
  readonly kind: BrokerKind
  readonly broker: readonly Member[]
  /** Empty where roles are in Postgres. */
  readonly etcd: readonly Member[]
}

/** Of how many members the clusters are. Kafka is always one. */
export interface ServerSizes {
  readonly nats: number
  readonly etcd: number
}

/** Whether all servers of a kind can be started here. Says aloud why not. */
export async function canStart(kind: BrokerKind): Promise<boolean> {
  try {
    if (!OwnServer.available()) throw new Error('there is no Postgres to start: node scripts/services.ts install')
    if (kind === 'kafka') await installKafka()
    else installNats()
    await installEtcd()
    return true
  } catch (error) {
    console.error(`THE TESTS OF THE WHOLE ON ${kind} ARE SKIPPED: ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}

/** Installs what is missing and starts everything. Throws with what a person has to do. */
export async function startServers(kind: BrokerKind, roles: RoleKind, sizes: ServerSizes): Promise<Servers> {
  const opened: Disposable[] = []
  const keep = async <T extends readonly Member[]>(starting: Promise<T>): Promise<T> => {
    const members = await starting
    for (const { daemon } of members) opened.push({ [Symbol.dispose]: daemon.remove })
    return members
  }
  const dispose = (): void => {
    for (const one of opened.splice(0)) one[Symbol.dispose]()
  }
  const starting = [
    (async () => {
      // What says when which transition was committed, to the microsecond.
      const server = await OwnServer.start({ max_connections: '200', track_commit_timestamp: 'on' })
      opened.push(server)
      return server
    })(),
    keep(kind === 'kafka' ? startBrokerOfKafka() : startBrokerOfNats(sizes.nats)),
    keep(roles === 'etcd' ? startMembersOfEtcd(sizes.etcd) : Promise.resolve([])),
  ] as const
  try {
    const [postgres, broker, etcd] = await Promise.all(starting)
    return { postgres, kind, broker, etcd, [Symbol.dispose]: dispose }
  } catch (error) {
    await Promise.allSettled(starting)
    dispose()
    throw error
  }
}

async function startBrokerOfKafka(): Promise<readonly Member[]> {
  await installKafka()
  const daemon = await startKafka()
  return [{ url: `kafka://${daemon.url}`, daemon }]
}

async function startBrokerOfNats(size: number): Promise<readonly Member[]> {
  installNats()
  const daemons = size === 1 ? [await startNats()] : await startNatsCluster(size)
  return daemons.map((daemon) => ({ url: daemon.url, daemon }))
}

async function startMembersOfEtcd(size: number): Promise<readonly Member[]> {
  const binary = await installEtcd()
  const daemons = size === 1 ? [await startEtcd(binary)] : await startEtcdCluster(binary, size)
  return daemons.map((daemon) => ({ url: daemon.url, daemon }))
}
