import { Stopped } from '../errors.ts'
import { Fifo } from './fifo.ts'

/** Put in the place of a result, it rejects the promise of that one item with `error`. */
export class ItemFailure {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

/** How a `Coalescer` makes and sends its batches. */
export interface CoalescerOptions<Item, Result> {
  /**
   * Sends one batch, in the order of the calls to `add`, and answers one result per item, in the same order. A throw
   * rejects every item of this batch and of no other.
   */
  readonly flush: (batch: readonly Item[]) => Promise<readonly (Result | ItemFailure)[]>
  /** How many items a batch has at most. @default 500 */
  readonly batchMax?: number
  /**
   * When an item arrives and nothing is on the wire, the first batch leaves as soon as this calls back; what arrives
   * until then goes with it. Must call back exactly once. @default queueMicrotask
   */
  readonly gather?: (send: () => void) => void
  /** What `Stopped` says was closed. @default 'this adapter' */
  readonly name?: string
}

interface Entry<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

const batchMaxDefault = 500

/**
 * Turns many small calls into few large ones without a timer: while one batch is on the wire, what arrives forms the
 * next. An idle caller waits for nothing; under load one round trip carries hundreds of items.
 *
 * Batches leave one after another, so that items keep their order.
 */
export class Coalescer<Item, Result> {
  readonly #flush: CoalescerOptions<Item, Result>['flush']
  readonly #gather: (send: () => void) => void
  readonly #batchMax: number
  readonly #name: string
  readonly #waiting = new Fifo<Entry<Item, Result>>()
  #running: Promise<void> | undefined
  #closed = false

  constructor(options: CoalescerOptions<Item, Result>) {
    this.#flush = options.flush
    this.#gather = options.gather ?? queueMicrotask
    this.#batchMax = options.batchMax ?? batchMaxDefault
    this.#name = options.name ?? 'this adapter'
  }

  /** How many items have not left yet. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Resolves to the item's own result. Rejects with what `flush` threw, or with `Stopped` after `close`. */
  add(item: Item): Promise<Result> {
    if (this.#closed) return Promise.reject(new Stopped(`${this.#name} has been closed; open a new one`))
    const result = new Promise<Result>((resolve, reject) => this.#waiting.push({ item, resolve, reject }))
    this.#running ??= this.#run()
    return result
  }

  /** Takes no more items and resolves when everything taken before has been answered. Idempotent, never rejects. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  async #run(): Promise<void> {
    await new Promise<void>((resolve) => this.#gather(resolve))
    while (this.#waiting.length > 0) await this.#send(this.#nextBatch())
    this.#running = undefined
  }

  #nextBatch(): readonly Entry<Item, Result>[] {
    const batch: Entry<Item, Result>[] = []
    while (batch.length < this.#batchMax) {
      const entry = this.#waiting.shift()
      if (entry === undefined) break
      batch.push(entry)
    }
    return batch
  }

  async #send(batch: readonly Entry<Item, Result>[]): Promise<void> {
    let results: readonly (Result | ItemFailure)[]
    try {
      results = await this.#flush(batch.map((entry) => entry.item))
      if (results.length !== batch.length) {
        throw new RangeError(`flush answered ${results.length} results for ${batch.length} items; it must answer one per item`)
      }
    } catch (error) {
      for (const entry of batch) entry.reject(error)
      return
    }
    for (const [index, entry] of batch.entries()) {
      const result = results[index]
      if (result instanceof ItemFailure) entry.reject(result.error)
      // `results` has exactly one element per entry, checked above; `Result` itself may include undefined.
      else entry.resolve(result as Result)
    }
  }
}
