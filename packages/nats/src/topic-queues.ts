import { Fifo } from '@workflow/core/adapter'

interface Wanted {
  /** Whether it is still to be handed out. */
  readonly isWanted: boolean
}

/** What waits in a receiver: a queue per topic, which are emptied in turn. */
export class TopicQueues<T extends Wanted> {
  readonly #queues: ReadonlyMap<string, Fifo<T>>
  readonly #topics: readonly string[]
  /** The topic to look at first. */
  #turn = 0

  constructor(topics: readonly string[]) {
    this.#topics = topics
    this.#queues = new Map(topics.map((topic) => [topic, new Fifo()]))
  }

  push(topic: string, item: T): void {
    this.#queues.get(topic)?.push(item)
  }

  lengthOf(topic: string): number {
    return this.#queues.get(topic)?.length ?? 0
  }

  /** At most `max`, of the topics that are not in `except`. `looked` is called with each topic from which was taken. */
  take(max: number, except: ReadonlySet<string> | undefined, looked: (topic: string) => void): T[] {
    const taken: T[] = []
    for (let n = 0; n < this.#topics.length && taken.length < max; n++) {
      const topic = this.#topics[(this.#turn + n) % this.#topics.length] ?? ''
      const queue = this.#queues.get(topic)
      if (queue === undefined || except?.has(topic) === true || queue.length === 0) continue
      while (taken.length < max) {
        const next = queue.shift()
        if (next === undefined) break
        if (next.isWanted) taken.push(next)
      }
      looked(topic)
    }
    this.#turn = (this.#turn + 1) % Math.max(1, this.#topics.length)
    return taken
  }

  clear(): void {
    for (const queue of this.#queues.values()) while (queue.shift() !== undefined);
  }
}
