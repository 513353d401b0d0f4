/**
 * Writes the cursors of a process: acknowledgements of one moment together, in one statement. One flush at a time, so
 * that what a flush says is never older than what the one before it said.
 */
import type { Clock } from '@workflow/core/adapter'
import { writeCursors } from './cursor.ts'
import type { Queryable } from './database.ts'
import type { SlotCursor } from './slot-cursor.ts'

/** Who has cursors to write. */
export interface CursorOwner {
  readonly dirtySlots: () => readonly SlotCursor[]
  /** What to write of one. */
  readonly rowOf: (slot: SlotCursor) => ReturnType<SlotCursor['row']>
  /** Some of its slots belong to somebody else. */
  readonly dropLost: () => void
}

/** After a first acknowledgement others have so long to come along; when there are many, longer. */
const fewMs = 8
const manyMs = 40
const manyAcks = 400

export class CursorFlusher {
  readonly #connection: Queryable
  readonly #clock: Clock
  readonly #owners = new Set<CursorOwner>()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  /** Acknowledgements since the wait began. */
  #acks = 0
  /** Whether there were many in the wait before. */
  #busy = false
  /** Whose cursors could not be written, until they are tried again. */
  readonly #failed = new Set<CursorOwner>()
  #retry: Disposable | undefined
  #closed = false

  constructor(connection: Queryable, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
  }

  /** Something was acknowledged. */
  dirty(owner: CursorOwner): void {
    if (this.#closed) return
    this.#owners.add(owner)
    this.#acks++
    // A native timer: virtual time must not hold up a network.
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined
        this.#busy = this.#acks > manyAcks
        this.#acks = 0
        void this.flush()
      },
      this.#busy ? manyMs : fewMs,
    )
  }

  /** Writes what is dirty now. Resolves when it is durable, or known not to be. */
  flush(): Promise<void> {
    return this.alone(() => this.#write())
  }

  /** Runs `work` while no cursor is being written. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#running.then(work)
    this.#running = result.then(
      () => undefined,
      () => undefined,
    )
    return result
  }

  forget(owner: CursorOwner): void {
    this.#owners.delete(owner)
  }

  /** Writes nothing more: what could not be written by now comes again. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#retry?.[Symbol.dispose]()
    this.#owners.clear()
    this.#failed.clear()
  }

  async #write(): Promise<void> {
    const owners = [...this.#owners]
    this.#owners.clear()
    const slots = owners.flatMap((owner) => owner.dirtySlots().map((slot) => ({ owner, slot })))
    if (slots.length === 0) return
    const rows = slots.map(({ owner, slot }) => owner.rowOf(slot))
    try {
      const written = await writeCursors(this.#connection, rows)
      for (const { slot } of slots) {
        if (written.has(`${slot.receiver}/${slot.slot}`)) slot.flushed()
        else slot.lose()
      }
      for (const owner of owners) owner.dropLost()
    } catch {
      // Not written, or not known to be: the same again, until it is or the slot is taken away.
      for (const { slot } of slots) slot.notFlushed()
      if (this.#closed) return
      for (const owner of owners) this.#failed.add(owner)
      this.#retry ??= this.#clock.setTimer(retryMs, () => {
        this.#retry = undefined
        const failed = [...this.#failed]
        this.#failed.clear()
        for (const owner of failed) if (owner.dirtySlots().length > 0) this.dirty(owner)
      })
    }
  }
}

const retryMs = 250
