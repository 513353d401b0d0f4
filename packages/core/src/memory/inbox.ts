import type { StoredItem } from '../model/item.ts'
import type { Append } from '../model/unit.ts'
import { copyPayload } from './payload-copy.ts'

/** Consumed items are cut off the front once there are this many and they are the larger half. */
const compactFrom = 256

/** One stream of a run's inbox. Ids stay known when their items are consumed; bodies do not stay. */
export class Inbox {
  /** Which unit appended an id. */
  readonly #units: Map<string, string>
  #items: StoredItem[]
  /** Index of the first item that is not consumed. */
  #head = 0
  #lastPos: number

  constructor(units: Map<string, string> = new Map(), items: StoredItem[] = [], lastPos = 0) {
    this.#units = units
    this.#items = items
    this.#lastPos = lastPos
  }

  /** The same inbox, to be changed without changing this one. */
  copy(): Inbox {
    return new Inbox(new Map(this.#units), [...this.open], this.#lastPos)
  }

  /** The items that are not consumed, by position. */
  get open(): readonly StoredItem[] {
    return this.#head === 0 ? this.#items : this.#items.slice(this.#head)
  }

  /** Whether items beyond a position are not consumed. */
  hasBeyond(pos: number): boolean {
    return this.#head < this.#items.length && this.#lastPos > pos
  }

  /** At most `limit` items after a position. */
  after(pos: number, limit: number): readonly StoredItem[] {
    const first = this.#items[this.#head]
    if (first === undefined) return []
    // Positions have no gaps, so the index follows from the position.
    const start = this.#head + Math.max(0, pos + 1 - first.pos)
    return this.#items.slice(start, start + limit)
  }

  /** The unit that appended an id; undefined for an unknown one. */
  unitOf(id: string): string | undefined {
    return this.#units.get(id)
  }

  /** Adds an item; one whose id is known is left alone. */
  append({ runId, stream, id, body }: Append, unitId: string): void {
    if (this.#units.has(id)) return
    this.#units.set(id, unitId)
    this.#items.push({ runId, stream, id, body: copyPayload(body), pos: ++this.#lastPos })
  }

  consume(through: number): void {
    while ((this.#items[this.#head]?.pos ?? Number.POSITIVE_INFINITY) <= through) this.#head++
    if (this.#head === this.#items.length || (this.#head >= compactFrom && this.#head * 2 > this.#items.length)) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
  }

  /** Replaces the body of an item that is still there. */
  replace(item: StoredItem, body: StoredItem['body']): void {
    const index = this.#items.indexOf(item)
    if (index >= 0) this.#items[index] = { ...item, body: copyPayload(body) }
  }
}
