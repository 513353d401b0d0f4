/** What is due at some time, in the order of the times, then of the coming. A binary heap. */
export interface Due {
  readonly due: number
  readonly order: number
  /** Gone before its time, see `drop`. */
  gone: boolean
}

/** Below this many it is not worth while to clear out what is gone. */
const clearingMin = 64

export class DueQueue<T extends Due> {
  #heap: T[] = []
  #gone = 0

  /** The first one that is not gone. */
  peek(): T | undefined {
    while (this.#heap[0]?.gone === true) {
      this.#gone -= 1
      this.#shift()
    }
    return this.#heap[0]
  }

  push(item: T): void {
    const heap = this.#heap
    let place = heap.push(item) - 1
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || !before(item, parent)) break
      heap[place] = parent
      place = above
    }
    heap[place] = item
  }

  /** Takes the first one that is not gone. */
  shift(): T | undefined {
    const first = this.peek()
    if (first === undefined) return undefined
    this.#shift()
    first.gone = true
    return first
  }

  /** Takes one out, wherever it is; does nothing if it has been taken. Once most are gone, their place is cleared. */
  drop(item: T): void {
    if (item.gone) return
    item.gone = true
    this.#gone += 1
    if (this.#heap.length < clearingMin || this.#gone * 2 < this.#heap.length) return
    // What is sorted is a heap.
    this.#heap = this.#heap.filter(({ gone }) => !gone).sort((one, other) => (before(one, other) ? -1 : 1))
    this.#gone = 0
  }

  /** Those that are not gone, in no order. */
  all(): readonly T[] {
    return this.#heap.filter(({ gone }) => !gone)
  }

  #shift(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let place = 0
    for (;;) {
      const left = heap[2 * place + 1]
      const right = heap[2 * place + 2]
      if (left === undefined) break
      const [child, at] = right !== undefined && before(right, left) ? [right, 2 * place + 2] : [left, 2 * place + 1]
      if (!before(child, last)) break
      heap[place] = child
      place = at
    }
    heap[place] = last
  }
}

function before(one: Due, other: Due): boolean {
  return one.due < other.due || (one.due === other.due && one.order < other.order)
}
