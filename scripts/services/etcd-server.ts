/** Members of etcd in temporary folders, on the loopback interface only: one alone, or a cluster for tests of faults. */
import { join } from 'node:path'
import { type Daemon, type DaemonPlace, daemonAt } from './daemon.ts'
import { freePorts, makeServerFolder, own } from './server-folder.ts'
import type { EtcdBinary } from './etcd-binaries.ts'

export interface EtcdPlace extends DaemonPlace {
  readonly url: string
}

export interface EtcdServer extends Daemon {
  readonly place: EtcdPlace
  readonly url: string
}

/** How members are to be. */
export interface EtcdOptions {
  /** Whether writes reach the disk before they are answered. Tests of behaviour do without, measurements never. @default false */
  readonly durable?: boolean
  /** Whether it goes on after this process has ended. @default false */
  readonly outlives?: boolean
  /** How long members wait for a leader's word, in ms. A lease is at least 1.5 times that. etcd's own default is 1,000. @default 300 */
  readonly electionMs?: number
  /** More arguments, e.g. for TLS; `scheme` must fit them. */
  readonly args?: readonly string[]
  readonly scheme?: 'http' | 'https'
  /** Instead of asking over HTTP, where that needs certificates. */
  readonly isReady?: (url: string) => Promise<boolean>
}

/** Makes a new member that is a cluster by itself, and starts it. Throws with its own words when it does not start. */
export async function startEtcd(binary: EtcdBinary, options: EtcdOptions = {}): Promise<EtcdServer> {
  const [server] = await startEtcdCluster(binary, 1, options)
  if (server === undefined) throw new Error('there is no etcd')
  return server
}

/** Makes and starts a new cluster. */
export async function startEtcdCluster(binary: EtcdBinary, size: number, options: EtcdOptions = {}): Promise<readonly EtcdServer[]> {
  const ports = await freePorts(size * 2)
  const peers = Array.from({ length: size }, (_, index) => `n${index}=http://127.0.0.1:${ports[size + index]}`)
  const servers = peers.map((peer, index) => {
    const folder = makeServerFolder<EtcdPlace>('etcd', (place) => etcdAt(place).remove())
    const url = `${options.scheme ?? 'http'}://127.0.0.1:${ports[index]}`
    const place: EtcdPlace = { folder, url, program: binary.program, args: argumentsOf(folder, url, peer, peers, options) }
    if (options.outlives !== true) own(place)
    return etcdAt(place, options.isReady)
  })
  try {
    // A member is ready when it has a leader, which needs the others.
    await Promise.all(servers.map((server) => server.start()))
  } catch (error) {
    for (const server of servers) server.remove()
    throw error
  }
  return servers
}

/** The member of a place, running or not. */
export function etcdAt(place: EtcdPlace, isReady: (url: string) => Promise<boolean> = isHealthy): EtcdServer {
  return { ...daemonAt(place, () => isReady(place.url)), place, url: place.url }
}

/** Healthy is who has a leader. */
async function isHealthy(url: string): Promise<boolean> {
  const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) })
  return response.ok && ((await response.json()) as { readonly health?: unknown }).health === 'true'
}

function argumentsOf(
  folder: string,
  url: string,
  peer: string,
  peers: readonly string[],
  { durable = false, electionMs = 300, args = [] }: EtcdOptions,
): readonly string[] {
  const [name = '', peerUrl = ''] = peer.split('=')
  return [
    ...['--name', name],
    ...['--data-dir', join(folder, 'data')],
    ...['--listen-client-urls', url, '--advertise-client-urls', url],
    ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
    ...['--initial-cluster', peers.join(',')],
    ...['--election-timeout', String(electionMs), '--heartbeat-interval', String(Math.max(10, Math.floor(electionMs / 10)))],
    ...['--log-level', 'warn'],
    ...(durable ? [] : ['--unsafe-no-fsync']),
    ...args,
  ]
}
