import pg from 'pg'

/** A pool whose process can die: its connections are cut, and nobody gets another one. */
export class KillablePool extends pg.Pool {
  readonly #clients = new Set<pg.PoolClient>()
  #dead = false

  constructor(url: string) {
    super({ connectionString: url, max: 12 })
    this.on('error', () => undefined)
    this.on('connect', (client) => {
      this.#clients.add(client)
      client.on('error', () => undefined)
    })
  }

  /** Cuts every connection, as the loss of the network does. New ones can be made. */
  cut(): void {
    for (const client of this.#clients) socketOf(client).destroy()
    this.#clients.clear()
  }

  /** Cuts every connection for good. */
  kill(): void {
    this.#dead = true
    this.cut()
  }

  override connect(): Promise<pg.PoolClient>
  override connect(callback: (error: Error | undefined, client: pg.PoolClient | undefined, done: (release?: unknown) => void) => void): void
  override connect(
    callback?: (error: Error | undefined, client: pg.PoolClient | undefined, done: (release?: unknown) => void) => void,
  ): Promise<pg.PoolClient> | void {
    if (callback !== undefined) return super.connect(callback)
    return this.#dead ? Promise.reject(new Error('this process is dead')) : super.connect()
  }
}

function socketOf(client: pg.PoolClient): { destroy(): void } {
  // Not part of the driver's types: the connection below, and its socket.
  return (client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }).connection.stream
}
