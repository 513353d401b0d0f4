import type { StoredItem } from '../model/item.ts'
import type { Append } from '../model/unit.ts'
import { copyPayload } from './payload-copy.ts'

/** One stream of a run's inbox. Consumed items stay, so that their ids stay known and their bodies can be scrubbed. */
export class Inbox {
  /** Which unit appended an id. */
  readonly #units: Map<string, string>
  /** The item of position n is at n - 1. */
  readonly #items: StoredItem[]
  /** The items up to this position are consumed. */
  #consumed: number

  constructor(units: Map<string, string> = new Map(), items: StoredItem[] = [], consumed = 0) {
    this.#units = units
    this.#items = items
    this.#consumed = consumed
  }

  /** The same inbox, to be changed without changing this one. */
  copy(): Inbox {
    return new Inbox(new Map(this.#units), [...this.#items], this.#consumed)
  }

  /** All items, consumed ones included, by position. */
  get items(): readonly StoredItem[] {
    return this.#items
  }

  /** Whether items beyond a position are not consumed. */
  hasBeyond(pos: number): boolean {
    return this.#items.length > Math.max(pos, this.#consumed)
  }

  /** At most `limit` items after a position that are not consumed. */
  after(pos: number, limit: number): readonly StoredItem[] {
    const start = Math.max(pos, this.#consumed)
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
    this.#items.push({ runId, stream, id, body: copyPayload(body), pos: this.#items.length + 1 })
  }

  /** Items that come later are not consumed, whatever the position. */
  consume(through: number): void {
    this.#consumed = Math.max(this.#consumed, Math.min(through, this.#items.length))
  }

  replaceBody(item: StoredItem, body: StoredItem['body']): void {
    this.#items[item.pos - 1] = { ...item, body: copyPayload(body) }
  }
}
