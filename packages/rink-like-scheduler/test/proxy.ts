/** A way to etcd that can be cut, so that an instance ends as by `kill -9`: it says nothing any more, and nothing reaches it. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

interface Link {
  readonly client: Socket
  readonly upstream: Socket
  /** Nothing goes through any more. */
  silent: boolean
  watches: boolean
}

export class Proxy {
  readonly url: string
  readonly #server: Server
  readonly #links: Set<Link>
  readonly #rules: Rules

  private constructor(server: Server, links: Set<Link>, rules: Rules) {
    this.#server = server
    this.#links = links
    this.#rules = rules
    // A TCP server that listens has an address with a port.
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async to(target: string): Promise<Proxy> {
    const { hostname, port } = new URL(target)
    const links = new Set<Link>()
    const rules: Rules = {
      silent: false,
      refusing: false,
      refused: 0,
      requests: new Map(),
      watchesSilent: false,
      lost: 0,
      losing: undefined,
      onLost: undefined,
      awaited: undefined,
    }
    const server = createServer((client) => {
      if (rules.refusing) {
        rules.refused++
        client.destroy()
        return
      }
      const link: Link = { client, upstream: connect(Number(port), hostname), silent: rules.silent, watches: false }
      links.add(link)
      open(link, rules, () => links.delete(link))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new Proxy(server, links, rules)
  }

  /** How many connections were refused. */
  get refused(): number {
    return this.#rules.refused
  }

  /** How many requests for a path went through. */
  requests(path: string): number {
    return this.#rules.requests.get(path) ?? 0
  }

  /** How many answers were lost. */
  get lost(): number {
    return this.#rules.lost
  }

  /** Breaks what is open; new connections are fine. */
  cut(): void {
    for (const { client, upstream } of this.#links) {
      client.destroy()
      upstream.destroy()
    }
  }

  /** Nothing goes through from now on, on no connection, and nobody is told. */
  freezeAll(): void {
    this.#rules.silent = true
    for (const link of this.#links) link.silent = true
  }

  /** What etcd says of changes gets lost from now on, on the connections that are open; all else goes through. */
  silenceWatches(): void {
    for (const link of this.#links) if (link.watches) link.silent = true
  }

  /** On connections that are not open yet nothing of changes is said; all else goes through. */
  silenceWatchesToCome(): void {
    this.#rules.watchesSilent = true
  }

  /** Whoever connects from now on is cut off at once. */
  refuseAll(): void {
    this.#rules.refusing = true
  }

  /** New connections are fine again, and those that were silent are broken. */
  thaw(): void {
    this.#rules.silent = false
    this.#rules.refusing = false
    this.cut()
  }

  /** The next transaction that writes a key that ends so is done, but never answered. */
  loseAnswersTo(key: string, onLost?: () => void): void {
    this.#rules.losing = key
    this.#rules.onLost = onLost
  }

  /** Tells when the next transaction that writes below `prefix` is on its way, which is before its answer. */
  whenWritten(prefix: string, told: () => void): void {
    this.#rules.awaited = { prefix, told }
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.cut()
    await closed
  }
}

interface Rules {
  silent: boolean
  refusing: boolean
  refused: number
  readonly requests: Map<string, number>
  watchesSilent: boolean
  lost: number
  losing: string | undefined
  onLost: (() => void) | undefined
  awaited: { readonly prefix: string; readonly told: () => void } | undefined
}

function open(link: Link, rules: Rules, ended: () => void): void {
  const { client, upstream } = link
  for (const socket of [client, upstream]) {
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      client.destroy()
      upstream.destroy()
      ended()
    })
  }
  client.on('data', (bytes) => {
    if (link.silent) return
    upstream.write(bytes)
    const [, path] = /^POST (\S+) /.exec(bytes.toString()) ?? []
    if (path !== undefined) rules.requests.set(path, (rules.requests.get(path) ?? 0) + 1)
    link.watches ||= bytes.toString().startsWith('POST /v3/watch')
    if (link.watches && rules.watchesSilent) link.silent = true
    const keys = written(bytes.toString())
    const { awaited, losing } = rules
    if (awaited !== undefined && keys.some((key) => key.startsWith(awaited.prefix))) {
      rules.awaited = undefined
      awaited.told()
    }
    if (losing === undefined || !keys.some((key) => key.endsWith(losing))) return
    rules.losing = undefined
    rules.lost++
    link.silent = true
    rules.onLost?.()
  })
  upstream.on('data', (bytes) => {
    if (!link.silent) client.write(bytes)
  })
}

/** The keys that a request of etcd's JSON gateway puts or deletes. */
function written(text: string): readonly string[] {
  const writes = /"request_(?:put|delete_range)":\{"key":"([^"]+)"/g
  return [...text.matchAll(writes)].map(([, name = '']) => Buffer.from(name, 'base64').toString())
}
