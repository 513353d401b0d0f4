/** Tells the others what this member wants: what it waits for, and what it holds. Written whole, and only where it has changed. */
import type { Clock } from '@workflow/core/adapter'
import type { EtcdDriver, Operation } from './driver.ts'
import type { Keys } from './keys.ts'
import { batchesOf } from './operation-batches.ts'
import { type Generations, writeRoles } from './role-text.ts'
import type { Term } from './term.ts'

/** Many calls in one moment are one list. */
const moreMs = 2
/** Whoever gives a role back mostly asks for it again at once. */
const fewerMs = 50
const retryMs = 250

export class WantList {
  readonly #term: Term
  readonly #driver: EtcdDriver
  readonly #keys: Keys
  readonly #clock: Clock
  readonly #wanted: () => Generations
  #written: readonly string[] = []
  /** Of the last write. */
  #revision = 0n
  /** How many parts there may be. */
  #parts = 0
  #timer: { readonly due: number; readonly handle: Disposable } | undefined
  #writing = false
  /** What is written is not what is wanted: there is more, or only less. */
  #stale: 'more' | 'less' | undefined

  constructor(term: Term, driver: EtcdDriver, keys: Keys, clock: Clock, wanted: () => Generations) {
    this.#term = term
    this.#driver = driver
    this.#keys = keys
    this.#clock = clock
    this.#wanted = wanted
    term.signal.addEventListener('abort', () => this.#timer?.handle[Symbol.dispose](), { once: true })
  }

  /** There is more to want, or less. */
  changed(more: boolean): void {
    if (more || this.#stale === undefined) this.#stale = more ? 'more' : 'less'
    if (this.#writing || this.#term.signal.aborted) return
    this.#arm(more ? moreMs : fewerMs)
  }

  /** Looks whether what is there is what was written last: a request that was given up may have been done late. */
  verify(): void {
    const { view, id } = this.#term
    if (this.#writing || this.#stale !== undefined || view.revision < this.#revision) return
    const parts = view.wants.get(id)
    if ((parts?.size ?? 0) === this.#written.length && this.#written.every((text, part) => parts?.get(part) === text)) return
    this.#written = []
    this.changed(true)
  }

  #arm(afterMs: number): void {
    const due = this.#clock.monotonic() + afterMs
    if (this.#timer !== undefined) {
      if (this.#timer.due <= due) return
      this.#timer.handle[Symbol.dispose]()
    }
    const handle = this.#clock.setTimer(afterMs, () => {
      this.#timer = undefined
      void this.#write()
    })
    this.#timer = { due, handle }
  }

  async #write(): Promise<void> {
    this.#writing = true
    this.#stale = undefined
    const texts = writeRoles(this.#wanted())
    try {
      for (const operations of batchesOf(this.#operations(texts))) {
        const { revision } = await this.#driver.transact({
          conditions: [{ key: this.#keys.member(this.#term.id), target: 'create', equals: this.#term.rank }],
          operations,
        })
        this.#revision = revision
      }
      this.#written = texts
      this.#parts = texts.length
    } catch {
      // It may have been written in part: as if nothing were known.
      this.#written = []
      this.#stale = 'more'
      if (!this.#term.signal.aborted) this.#arm(retryMs)
      return
    } finally {
      this.#writing = false
    }
    if (this.#stale !== undefined) this.changed(this.#stale === 'more')
  }

  #operations(texts: readonly string[]): readonly Operation[] {
    const { id, leaseId } = this.#term
    const operations: Operation[] = []
    for (const [part, value] of texts.entries()) {
      if (this.#written[part] !== value) operations.push({ type: 'put', key: this.#keys.want(id, part), value, leaseId })
    }
    this.#parts = Math.max(this.#parts, texts.length)
    for (let part = texts.length; part < this.#parts; part++) operations.push({ type: 'delete', key: this.#keys.want(id, part) })
    return operations
  }
}
