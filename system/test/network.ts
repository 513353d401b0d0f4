/** The network between workers and servers: a proxy per place and server, through which it fails as it is told to. */
import { FaultProxy } from '../../packages/postgres/test/faults/fault-proxy.ts'
import type { Addresses } from './ports.ts'
import type { Servers } from './servers.ts'

/** Which server a way leads to. */
export type Shore = 'postgres' | 'broker' | 'etcd'

interface Ways {
  readonly postgres: readonly FaultProxy[]
  readonly broker: readonly FaultProxy[]
  readonly etcd: readonly FaultProxy[]
}

export class Network implements AsyncDisposable {
  readonly #servers: Servers
  readonly #lease: Addresses['lease']
  readonly #places = new Map<number, Ways>()

  constructor(servers: Servers, lease: Addresses['lease']) {
    this.#servers = servers
    this.#lease = lease
  }

  /** Past all proxies. */
  get straight(): Addresses {
    const { postgres, kind, broker, etcd } = this.#servers
    const urls = broker.map(({ url }) => url)
    return { postgres: postgres.url, kind, broker: urls, advertised: urls, etcd: etcd.map(({ url }) => url), lease: this.#lease }
  }

  /** Through the proxies of a place, which are made when they are first asked for. */
  async addressesOf(place: number): Promise<Addresses> {
    const { straight } = this
    const ways = this.#places.get(place) ?? {
      postgres: await proxies([straight.postgres]),
      broker: await proxies(straight.broker),
      etcd: await proxies(straight.etcd),
    }
    this.#places.set(place, ways)
    const [postgres = straight.postgres] = ways.postgres.map(({ url }) => url)
    return { ...straight, postgres, broker: ways.broker.map(({ url }) => url), etcd: ways.etcd.map(({ url }) => url.replace(/\/$/, '')) }
  }

  /** The proxies between a place and a kind of server; of all places where none is given. */
  between(shore: Shore, place?: number): readonly FaultProxy[] {
    return [...this.#places].filter(([one]) => place === undefined || one === place).flatMap(([, ways]) => ways[shore])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const shore of ['postgres', 'broker', 'etcd'] as const) for (const proxy of this.between(shore)) await proxy[Symbol.asyncDispose]()
  }
}

function proxies(urls: readonly string[]): Promise<readonly FaultProxy[]> {
  return Promise.all(urls.map((url) => FaultProxy.before(url)))
}
