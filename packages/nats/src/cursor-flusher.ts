/** Writes the cursors of a process: what is acknowledged while one lot is being written goes with the next. */
import { Stopped } from '@workflow/core/adapter'
import type { Session } from './session.ts'
import type { CursorRecord, SlotCursor } from './slot-cursor.ts'

/** So long lies between two beginnings, where few cursors move and where many do: then a record carries many acknowledgements. */
const gapMs = { few: 5, many: 40 } as const
const fewCursors = 4
const retryMs = 250

interface Dirty {
  readonly cursor: SlotCursor
  /** When the stream of events was created. */
  readonly stream: string
}

export class CursorFlusher {
  readonly #session: Session
  readonly #dirty = new Map<SlotCursor, string>()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #begunAt = Number.NEGATIVE_INFINITY
  #waitMs: number = gapMs.few
  #closed = false

  constructor(session: Session) {
    this.#session = session
  }

  /** Something of this cursor is to be written. */
  mark(cursor: SlotCursor, stream: string): void {
    if (this.#closed) return
    this.#dirty.set(cursor, stream)
    this.#schedule()
  }

  /** Writes a cursor now, once; whoever waits for it hears of the outcome, or goes on waiting. */
  async write(cursor: SlotCursor, stream: string): Promise<void> {
    // Two writes of one cursor at once would look like two holders.
    await this.#running
    this.#dirty.delete(cursor)
    await this.#write({ cursor, stream })
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const cursor of this.#dirty.keys()) cursor.takeWaiting()?.reject(new Stopped('the event streamer has been closed'))
    this.#dirty.clear()
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#running !== undefined || this.#dirty.size === 0) return
    const waitMs = Math.max(0, this.#begunAt + this.#waitMs - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#running = this.#writeAll().finally(() => {
        this.#running = undefined
        this.#schedule()
      })
    }, waitMs)
  }

  async #writeAll(): Promise<void> {
    this.#begunAt = performance.now()
    const all = [...this.#dirty].map(([cursor, stream]) => ({ cursor, stream }))
    this.#waitMs = all.length > fewCursors ? gapMs.many : gapMs.few
    this.#dirty.clear()
    await Promise.all(all.map((one) => this.#write(one)))
  }

  async #write({ cursor, stream }: Dirty): Promise<void> {
    if (!cursor.isHeld) return
    const waiting = cursor.takeWaiting()
    const record = cursor.next(stream)
    try {
      const written = await this.#session.run('writing a cursor', async ({ state }) => {
        const revision = await state.put(cursor.subject, record, cursor.revision)
        if (revision === undefined) return this.#isWritten(cursor, record)
        cursor.revision = revision
        return true
      })
      if (written) waiting?.resolve()
      else if (cursor.isHeld) this.#putBack(cursor, stream, waiting)
      else waiting?.reject(cursor.fenced())
    } catch (error) {
      if (this.#closed) return waiting?.reject(error)
      // Not written, or not known to be: the same again, until it is or the slot is taken away.
      this.#waitMs = retryMs
      this.#putBack(cursor, stream, waiting)
    }
  }

  /** Looks who has written instead: ourselves, when an answer was lost, or the next holder. */
  async #isWritten(cursor: SlotCursor, record: CursorRecord): Promise<boolean> {
    const present = await this.#session.run('reading a cursor', ({ state }) => state.get<CursorRecord>(cursor.subject))
    if (present?.value.holder !== cursor.holder) {
      cursor.lose()
      return false
    }
    cursor.revision = present.revision
    return present.value.writes === record.writes
  }

  #putBack(cursor: SlotCursor, stream: string, waiting: PromiseWithResolvers<void> | undefined): void {
    if (waiting !== undefined) cursor.durable().then(waiting.resolve, waiting.reject)
    this.mark(cursor, stream)
  }
}
