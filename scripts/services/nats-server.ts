/** NATS servers with JetStream for tests, on loopback: one by itself, or a cluster. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Daemon, daemonAt, type DaemonPlace } from './daemon.ts'
import { natsBinary } from './nats-binaries.ts'
import { freePorts, makeServerFolder, own } from './server-folder.ts'

export interface NatsPlace extends DaemonPlace {
  readonly port: number
  readonly monitorPort: number
}

export interface NatsServer extends Daemon {
  readonly place: NatsPlace
  readonly url: string
}

export interface NatsStartOptions {
  /** @default the newest that is here */
  readonly program?: string
  /** Whether every write reaches the disk before it is answered. @default false */
  readonly durable?: boolean
  /** Whether it goes on when this process has ended. @default false */
  readonly outlives?: boolean
  /** More lines for the file of settings: users, TLS, limits. */
  readonly settings?: string
  /** A plain health check is impossible where the monitor asks for a certificate, too. */
  readonly cluster?: { readonly name: string; readonly port: number; readonly routes: readonly number[] }
  readonly ports?: readonly [number, number]
}

/** Starts one server. */
export async function startNats(options: NatsStartOptions = {}): Promise<NatsServer> {
  const server = await newNats(options)
  try {
    await server.start()
  } catch (error) {
    server.remove()
    throw error
  }
  return server
}

/** Starts a cluster; resolves when its servers have found each other. */
export async function startNatsCluster(size = 3): Promise<readonly NatsServer[]> {
  const ports = await freePorts(size * 3)
  const routes = ports.slice(0, size)
  const servers: NatsServer[] = []
  for (const [n, port] of routes.entries()) {
    const own: readonly [number, number] = [ports[size + n] ?? 0, ports[2 * size + n] ?? 0]
    servers.push(await newNats({ cluster: { name: `n${n + 1}`, port, routes }, ports: own }))
  }
  try {
    // None is well before the others are there.
    await Promise.all(servers.map((server) => server.start()))
  } catch (error) {
    for (const server of servers) server.remove()
    throw error
  }
  return servers
}

/** The server of a place, running or not. */
export function natsAt(place: NatsPlace): NatsServer {
  const { port, monitorPort } = place
  const isReady = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${monitorPort}/healthz`)).ok
  return { ...daemonAt(place, isReady), place, url: `nats://127.0.0.1:${port}` }
}

async function newNats(options: NatsStartOptions): Promise<NatsServer> {
  const program = options.program ?? natsBinary()?.program
  if (program === undefined) throw new Error('there is no nats-server 2.10 or newer: node scripts/services.ts install nats')
  const folder = makeServerFolder<NatsPlace>('nats', (place) => natsAt(place).remove())
  const [port = 0, monitorPort = 0] = options.ports ?? (await freePorts(2))
  mkdirSync(join(folder, 'data'))
  const file = join(folder, 'nats.conf')
  writeFileSync(file, settingsOf(folder, port, monitorPort, options))
  const place: NatsPlace = { folder, program, args: ['-c', file], port, monitorPort }
  if (options.outlives !== true) own(place)
  return natsAt(place)
}

function settingsOf(folder: string, port: number, monitorPort: number, { durable, cluster, settings }: NatsStartOptions): string {
  return [
    `listen: "127.0.0.1:${port}"`,
    `http: "127.0.0.1:${monitorPort}"`,
    `jetstream { store_dir: "${join(folder, 'data')}"${durable === true ? ', sync_interval: always' : ''} }`,
    ...(cluster === undefined
      ? []
      : [
          `server_name: ${cluster.name}`,
          `cluster { name: workflow, listen: "127.0.0.1:${cluster.port}", routes: [${cluster.routes.map((route) => `"nats://127.0.0.1:${route}"`).join(', ')}] }`,
        ]),
    settings ?? '',
  ].join('\n')
}
