import pg from 'pg'

interface Hold {
  readonly about: string
  /** A statement has been answered, and the answer held back. */
  readonly asked: PromiseWithResolvers<void>
  readonly over: PromiseWithResolvers<void>
}

/** A pool that remembers what it was asked: the names of prepared statements, else their text. It can be hard of hearing. */
export class WatchedPool extends pg.Pool {
  readonly asked: string[] = []
  /** How many rows came in answer to each, by the same names. */
  readonly #rows = new Map<string, number>()
  #unheard: (() => void)[] | undefined
  #hold: Hold | undefined

  constructor(url: string) {
    super({ connectionString: url, max: 12 })
    this.on('error', () => undefined)
    this.on('connect', (client) => {
      // One signature of the many that the driver has: the adapter uses no other.
      const watched = client as unknown as { query: (query: { name?: string; text?: string } | string) => unknown }
      const query = watched.query.bind(client)
      watched.query = (statement) => {
        const about = typeof statement === 'string' ? statement : (statement.name ?? statement.text ?? '')
        this.asked.push(about)
        const answer = this.#counted(about, query(statement))
        return this.#hold === undefined || !about.includes(this.#hold.about) ? answer : this.#heldBack(this.#hold, answer)
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

  /** From now on answers to statements about this are held back. */
  hold(about: string): { readonly asked: Promise<void>; readonly release: () => void } {
    const hold: Hold = { about, asked: Promise.withResolvers(), over: Promise.withResolvers() }
    this.#hold = hold
    const release = (): void => {
      this.#hold = undefined
      hold.over.resolve()
    }
    return { asked: hold.asked.promise, release }
  }

  async #counted(about: string, answer: unknown): Promise<unknown> {
    // Of one statement or of several at once.
    const result = (await answer) as { readonly rows?: readonly unknown[] }
    this.#rows.set(about, (this.#rows.get(about) ?? 0) + (result.rows?.length ?? 0))
    return result
  }

  async #heldBack({ asked, over }: Hold, answer: unknown): Promise<unknown> {
    const result = await answer
    asked.resolve()
    await over.promise
    return result
  }

  /** How many rows have come in answer to statements about this. */
  rows(about: string): number {
    return [...this.#rows].reduce((sum, [text, count]) => (text.includes(about) ? sum + count : sum), 0)
  }

  /** How many of the statements since the last time are about this. */
  count(about: string): number {
    return this.asked.filter((text) => text.includes(about)).length
  }
}
