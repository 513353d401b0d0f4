/** A proxy before a server of Postgres, through which the network fails as it is told to. */
import { createServer, type AddressInfo, type Server, Socket } from 'node:net'

/** What comes from the client are requests, what comes from the server are replies. */
export type Direction = 'requests' | 'replies'

/**
 * What becomes of a piece of data: `half` sends the first half of it on and cuts the connection, `swallow` makes it
 * half-open for good, and a buffer comes in its place.
 */
export type Verdict = 'pass' | 'swallow' | 'cut' | 'half' | Buffer

/** One connection through the proxy. */
export interface Link {
  readonly client: Socket
  readonly server: Socket
  /** Directions in which nothing comes through any more, not even the end. */
  readonly dead: Set<Direction>
  /** What the client has sent last. */
  request: Buffer
}

export class FaultProxy implements AsyncDisposable {
  /** Asked about every piece of data on a link that is not dead. */
  judge: ((direction: Direction, piece: Buffer, link: Link) => Verdict) | undefined
  /** New connections are closed at once. */
  refuses = false
  readonly #target: URL
  readonly #listener: Server
  readonly #links = new Set<Link>()

  private constructor(target: string) {
    this.#target = new URL(target)
    this.#listener = createServer({ allowHalfOpen: true }, (client) => this.#open(client))
  }

  /** A proxy that passes everything on, for now. */
  static async before(url: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(url)
    await new Promise<void>((resolve, reject) => proxy.#listener.once('error', reject).listen(0, '127.0.0.1', resolve))
    return proxy
  }

  /** The server's URL, through here. */
  get url(): string {
    const url = new URL(this.#target)
    url.hostname = '127.0.0.1'
    // A TCP server that listens has an address with a port.
    url.port = String((this.#listener.address() as AddressInfo).port)
    return url.href
  }

  /** Breaks every connection, as a cable that is pulled and a router that says so. */
  cut(): void {
    for (const link of this.#links) this.#cut(link)
  }

  /** From now on nothing comes through in this direction, on the connections that there are. New ones work. */
  swallow(direction: Direction): void {
    for (const { dead } of this.#links) dead.add(direction)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#listener.close(resolve))
  }

  #open(client: Socket): void {
    if (this.refuses) {
      client.resetAndDestroy()
      return
    }
    const server = new Socket({ allowHalfOpen: true }).connect(Number(this.#target.port), this.#target.hostname)
    const link: Link = { client, server, dead: new Set(), request: Buffer.alloc(0) }
    this.#links.add(link)
    this.#carry(link, 'requests', client, server)
    this.#carry(link, 'replies', server, client)
  }

  #carry(link: Link, direction: Direction, from: Socket, to: Socket): void {
    from.setNoDelay()
    from.on('data', (piece) => {
      if (link.dead.has(direction)) return
      if (direction === 'requests') link.request = piece
      const verdict = this.judge?.(direction, piece, link) ?? 'pass'
      if (verdict instanceof Buffer) to.write(verdict)
      else if (verdict === 'pass') to.write(piece)
      else if (verdict === 'swallow') link.dead.add(direction)
      else if (verdict === 'cut') this.#cut(link)
      else to.write(piece.subarray(0, Math.floor(piece.length / 2)), () => this.#cut(link))
    })
    from.on('end', () => {
      if (!link.dead.has(direction)) to.end()
    })
    from.on('error', () => {
      if (!link.dead.has(direction)) to.destroy()
    })
    from.on('close', () => {
      if (!link.dead.has(direction)) to.end()
      if (link.client.destroyed && link.server.destroyed) this.#links.delete(link)
    })
  }

  #cut({ client, server }: Link): void {
    client.resetAndDestroy()
    server.resetAndDestroy()
  }
}

/** Whether these are the last bytes of an answer: the server has committed what it was asked to, and waits for more. */
export function endsAnswer(piece: Buffer): boolean {
  const end = piece.subarray(-6)
  return end.length === 6 && end[0] === readyForQuery && end.readInt32BE(1) === 5 && end[5] === idle
}

const readyForQuery = 'Z'.charCodeAt(0)
const idle = 'I'.charCodeAt(0)

/** Whether this request asks for a batch to be written. Names of prepared statements are sent as they are. */
export function asksToCommit(request: Buffer): boolean {
  return request.includes('commit_1')
}
