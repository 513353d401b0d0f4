const chunkMax = 512

/**
 * Items in the order of their keys, in chunks of a few hundred: adding, removing and seeking cost a binary search and the move of at most
 * one chunk, a million items or not. No two items compare as equal.
 */
export class SortedList<Key, T extends Key> {
  readonly #compare: (a: Key, b: Key) => number
  /** Never has an empty chunk. */
  readonly #chunks: T[][] = []

  constructor(compare: (a: Key, b: Key) => number) {
    this.#compare = compare
  }

  /** The smallest item; undefined when there is none. */
  get first(): T | undefined {
    return this.#chunks[0]?.[0]
  }

  add(item: T): void {
    const at = Math.max(0, this.#chunkOf(item))
    const chunk = this.#chunks[at]
    if (chunk === undefined) {
      this.#chunks.push([item])
      return
    }
    chunk.splice(this.#indexIn(chunk, item), 0, item)
    // A full last chunk is left as it is, so that what comes in order fills its chunks.
    if (chunk.length > chunkMax)
      this.#chunks.splice(at + 1, 0, chunk.splice(at === this.#chunks.length - 1 && chunk.at(-1) === item ? chunkMax : chunkMax / 2))
  }

  remove(item: T): void {
    const at = this.#chunkOf(item)
    const chunk = this.#chunks[at]
    if (chunk === undefined) return
    const index = this.#indexIn(chunk, item)
    if (chunk[index] !== item) return
    chunk.splice(index, 1)
    if (chunk.length === 0) this.#chunks.splice(at, 1)
  }

  /** The items after a key, or all, in order. The list must not change meanwhile. */
  *after(item: Key | undefined): Generator<T, void> {
    let at = item === undefined ? 0 : Math.max(0, this.#chunkOf(item))
    const chunk = this.#chunks[at]
    if (chunk === undefined) return
    let index = 0
    if (item !== undefined) {
      index = this.#indexIn(chunk, item)
      const found = chunk[index]
      if (found !== undefined && this.#compare(found, item) === 0) index++
    }
    for (; at < this.#chunks.length; at++, index = 0) {
      const items = this.#chunks[at] ?? []
      for (; index < items.length; index++) yield items[index] as T // in range
    }
  }

  /** Index of the last chunk that begins at or before `item`; -1 when all begin after it. */
  #chunkOf(item: Key): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const first = this.#chunks[middle]?.[0]
      if (first !== undefined && this.#compare(first, item) <= 0) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Index of the first element that is not before `item`. */
  #indexIn(chunk: readonly T[], item: Key): number {
    let low = 0
    let high = chunk.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(chunk[middle] as T, item) < 0)
        low = middle + 1 // in range
      else high = middle
    }
    return low
  }
}
