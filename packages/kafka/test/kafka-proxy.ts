/** A proxy before a broker that knows where requests and answers begin and end, and loses what it is told to. */
import type { ISocketFactory } from 'kafkajs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Of Kafka's protocol. */
export const apiKeys = { produce: 0, fetch: 1, metadata: 3, saslHandshake: 17, apiVersions: 18, initProducerId: 22 } as const

/** A whole request or answer: its size, then its body. */
export interface Frame {
  readonly apiKey: number
  readonly bytes: Buffer
  /** Counts connections, from 1. */
  readonly link: number
}

/** What becomes of a frame: `cut` ends the connection instead, `swallow` makes it silent for good, and a buffer takes its place. */
export type Verdict = 'pass' | 'cut' | 'swallow' | Buffer

interface Link {
  readonly number: number
  readonly client: Socket
  readonly broker: Socket
  /** What requests without an answer were, by correlation id. */
  readonly asked: Map<number, number>
  silent: boolean
}

/** Brokers say where they are, so clients are sent through here by their sockets: see `socketFactory`. */
export class KafkaProxy implements AsyncDisposable {
  /** Asked about each answer. */
  onAnswer: (frame: Frame) => Verdict = () => 'pass'
  /** Asked about each request. */
  onRequest: (frame: Frame) => Verdict = () => 'pass'
  readonly #listener: Server
  readonly #target: { readonly host: string; readonly port: number }
  readonly #links = new Set<Link>()
  #count = 0

  private constructor(address: string) {
    const [host = '', port] = address.split(':')
    this.#target = { host, port: Number(port) }
    this.#listener = createServer((client) => this.#open(client))
  }

  static async before(address: string): Promise<KafkaProxy> {
    const proxy = new KafkaProxy(address)
    await new Promise<void>((resolve, reject) => proxy.#listener.once('error', reject).listen(0, '127.0.0.1', resolve))
    return proxy
  }

  /** How many connections are open. */
  get size(): number {
    return this.#links.size
  }

  /** How many connections there have been. */
  get count(): number {
    return this.#count
  }

  /** Whatever address a client wants to connect to, it comes here. */
  readonly socketFactory: ISocketFactory = ({ onConnect }) => {
    // A TCP server that listens has an address with a port.
    const { port } = this.#listener.address() as AddressInfo
    return connect({ host: '127.0.0.1', port }, onConnect)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.#links) cut(link)
    await new Promise((resolve) => this.#listener.close(resolve))
  }

  #open(client: Socket): void {
    const link: Link = { number: ++this.#count, client, broker: connect(this.#target), asked: new Map(), silent: false }
    this.#links.add(link)
    const { broker, asked } = link
    framed(client, (bytes) => {
      const apiKey = bytes.readInt16BE(4)
      asked.set(bytes.readInt32BE(8), apiKey)
      pass(link, broker, bytes, () => this.onRequest({ apiKey, bytes, link: link.number }))
    })
    framed(broker, (bytes) => {
      const correlationId = bytes.readInt32BE(4)
      const apiKey = asked.get(correlationId) ?? -1
      asked.delete(correlationId)
      pass(link, client, bytes, () => this.onAnswer({ apiKey, bytes, link: link.number }))
    })
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ] as const) {
      from.setNoDelay(true)
      from.on('error', () => undefined)
      from.on('close', () => {
        to.destroy()
        if (client.destroyed) this.#links.delete(link)
      })
    }
  }
}

function pass(link: Link, to: Socket, bytes: Buffer, judge: () => Verdict): void {
  if (link.silent) return
  const verdict = judge()
  if (verdict === 'cut') cut(link)
  else if (verdict === 'swallow') link.silent = true
  else to.write(verdict === 'pass' ? bytes : verdict)
}

function cut({ client, broker }: Link): void {
  client.resetAndDestroy()
  broker.destroy()
}

function framed(socket: Socket, onFrame: (bytes: Buffer) => void): void {
  let pending = Buffer.alloc(0)
  socket.on('data', (piece: Buffer) => {
    pending = Buffer.concat([pending, piece])
    while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
      const end = 4 + pending.readInt32BE(0)
      onFrame(Buffer.from(pending.subarray(0, end)))
      pending = pending.subarray(end)
    }
  })
}
