import pg from 'pg'

/** A pool that remembers what it was asked: the names of prepared statements, else their text. It can be hard of hearing. */
export class WatchedPool extends pg.Pool {
  readonly asked: string[] = []
  #unheard: (() => void)[] | undefined

  constructor(url: string) {
    super({ connectionString: url, max: 12 })
    this.on('error', () => undefined)
    this.on('connect', (client) => {
      // One signature of the many that the driver has: the adapter uses no other.
      const watched = client as unknown as { query: (query: { name?: string; text?: string } | string) => unknown }
      const query = watched.query.bind(client)
      watched.query = (statement) => {
        this.asked.push(typeof statement === 'string' ? statement : (statement.name ?? statement.text ?? ''))
        return query(statement)
      }
      const emit = client.emit.bind(client)
      client.emit = (name: string | symbol, ...args: unknown[]) => {
        if (name !== 'notification' || this.#unheard === undefined) return emit(name, ...args)
        this.#unheard.push(() => emit(name, ...args))
        return true
      }
    })
  }

  /** From now on notifications wait until it hears again. */
  deafen(): void {
    this.#unheard = []
  }

  /** What has come meanwhile comes now. */
  hear(): void {
    const unheard = this.#unheard ?? []
    this.#unheard = undefined
    for (const come of unheard) come()
  }

  /** How many of the statements since the last time are about this. */
  count(about: string): number {
    return this.asked.filter((text) => text.includes(about)).length
  }
}
