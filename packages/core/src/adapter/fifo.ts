const chunkSize = 256

interface Chunk<T> {
  readonly items: (T | undefined)[]
  next: Chunk<T> | undefined
}

/**
 * A queue that never copies: `push` and `shift` are O(1) however long it is, and what was shifted is free to be
 * collected. An array's `shift` moves everything behind it once it is large.
 */
export class Fifo<T> {
  #head: Chunk<T> = { items: [], next: undefined }
  #tail: Chunk<T> = this.#head
  /** Index of the first item in the head chunk. */
  #first = 0
  #length = 0

  /** How many items wait. */
  get length(): number {
    return this.#length
  }

  /** Adds at the end. */
  push(item: T): void {
    if (this.#tail.items.length === chunkSize) {
      const chunk: Chunk<T> = { items: [], next: undefined }
      this.#tail.next = chunk
      this.#tail = chunk
    }
    this.#tail.items.push(item)
    this.#length++
  }

  /** The first item, which stays; undefined when the queue is empty. */
  peek(): T | undefined {
    return this.#head.items[this.#first]
  }

  /** Takes the first item; undefined when the queue is empty. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#head.items[this.#first]
    this.#head.items[this.#first] = undefined
    this.#first++
    this.#length--
    if (this.#length === 0) {
      this.#head.items.length = 0
      this.#first = 0
    } else if (this.#first === chunkSize && this.#head.next !== undefined) {
      this.#head = this.#head.next
      this.#first = 0
    }
    return item
  }
}
