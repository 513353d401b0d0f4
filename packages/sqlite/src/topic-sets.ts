import type { Connection } from './connection.ts'

/**
 * The lists of topics that events have, each stored once. There are few: about one per status. A list never changes
 * once it is committed, so that keeping them in memory is safe with other processes around.
 */
export class TopicSets {
  /** By the list as JSON; by the topic alone where there is only one. */
  readonly #ids = new Map<string, number>()
  readonly #topics = new Map<number, readonly string[]>()
  #last = 0

  /** The id of a list; inserts it where it is new. Within a write transaction. */
  idOf(topics: readonly string[], connection: Connection): number {
    const [only] = topics
    const key = topics.length === 1 && only !== undefined && !only.startsWith('[') ? only : JSON.stringify(topics)
    const id = this.#ids.get(key)
    if (id !== undefined) return id
    const text = JSON.stringify(topics)
    connection.run('INSERT INTO {topic_set} (topics) VALUES (?) ON CONFLICT (topics) DO NOTHING', text)
    const stored = connection.value<number>('SELECT id FROM {topic_set} WHERE topics = ?', text) ?? 0
    this.#ids.set(key, stored)
    return stored
  }

  /** Forgets ids that a transaction gave which did not commit. */
  rolledBack(): void {
    this.#ids.clear()
  }

  /** Grows whenever `refresh` finds more. */
  get newest(): number {
    return this.#last
  }

  /** Reads the lists that have been committed since the last call. */
  refresh(connection: Connection): void {
    const rows = connection.raw<[number, string]>('SELECT id, topics FROM {topic_set} WHERE id > ? ORDER BY id', this.#last)
    for (const [id, text] of rows) {
      this.#topics.set(id, JSON.parse(text) as string[])
      this.#last = id
    }
  }

  /** The list of an id, as of the last `refresh`. */
  topicsOf(id: number): readonly string[] {
    return this.#topics.get(id) ?? []
  }

  /** The ids of the lists that hold one of these topics, as of the last `refresh`. */
  idsWith(wanted: (topic: string) => boolean): number[] {
    return [...this.#topics].filter(([, topics]) => topics.some(wanted)).map(([id]) => id)
  }
}
