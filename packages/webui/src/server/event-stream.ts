/**
 * One reader's server-sent events: pulled at its pace from a buffer that has a limit. A reader that is too slow is told to
 * refresh instead of being sent what it has missed; one that takes nothing at all is let go.
 */
import type { Clock } from '@workflow/core/adapter'

const pendingMax = 1_000
const beatMs = 15_000
/** Beats in a row that a reader may leave in its buffer. */
const idleBeatsMax = 4
/** After so many beats the stream ends, and whoever still may see it connects again: a permission does not outlive this. */
const beatsMax = 40

export class EventStream {
  readonly body: ReadableStream<Uint8Array>
  readonly #clock: Clock
  readonly #refresh: () => string
  readonly #ended: () => void
  readonly #encoder = new TextEncoder()
  #pending: string[] = []
  #wake: (() => void) | undefined
  #timer: Disposable | undefined
  #beats = 0
  #idleBeats = 0
  #over = false

  /** `refresh` makes the event in place of what is dropped; `ended` is told once, however the stream ends. */
  constructor(clock: Clock, refresh: () => string, ended: () => void) {
    this.#clock = clock
    this.#refresh = refresh
    this.#ended = ended
    this.body = new ReadableStream<Uint8Array>(
      { pull: (controller) => this.#pull(controller), cancel: () => this.end() },
      // Nothing is taken out of the buffer before it is wanted.
      { highWaterMark: 0 },
    )
    this.#arm()
  }

  send(text: string): void {
    if (this.#over) return
    if (this.#pending.length >= pendingMax) this.#pending = [this.#refresh()]
    else this.#pending.push(text)
    this.#wake?.()
  }

  /** Idempotent. What is in the buffer is still given to who asks for it. */
  end(): void {
    if (this.#over) return
    this.#over = true
    this.#timer?.[Symbol.dispose]()
    this.#wake?.()
    this.#ended()
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (this.#pending.length === 0 && !this.#over) {
      const woken = Promise.withResolvers<void>()
      this.#wake = woken.resolve
      await woken.promise
      this.#wake = undefined
    }
    this.#idleBeats = 0
    if (this.#pending.length > 0) {
      const text = this.#pending.join('')
      this.#pending = []
      controller.enqueue(this.#encoder.encode(text))
    } else if (this.#over) controller.close()
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(beatMs, () => this.#beat())
  }

  /** A comment, which keeps proxies from closing the connection. */
  #beat(): void {
    this.#beats++
    this.#idleBeats++
    if (this.#beats >= beatsMax || this.#idleBeats > idleBeatsMax) return this.end()
    if (this.#pending.length === 0) this.send(':\n\n')
    this.#arm()
  }
}
