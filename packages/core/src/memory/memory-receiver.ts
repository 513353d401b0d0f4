import { Fifo } from '../adapter/fifo.ts'
import { assertReceive } from '../adapter/assert-receive.ts'
import { InvalidArgument, Stopped } from '../errors.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { Delivery, EventReceiver, ReceiveOptions, SlotClaim } from '../ports/event-streamer.ts'
import type { Cursor } from './cursor.ts'
import { fencedSlots, type GroupReader, type ReceiverGroup } from './receiver-group.ts'

/** How many events one topic and slot may give before the next has its turn. */
const quantum = 64

interface Waiting {
  readonly except: ReadonlySet<string> | undefined
  readonly lookAgain: () => void
}

/**
 * Hands out what its cursors have. Cursors announce themselves when they have something, so that asking costs nothing
 * for topics and slots that are quiet. Durable with a group, which then decides who holds which slot; ephemeral without.
 */
export class MemoryReceiver implements EventReceiver<RunEvent>, GroupReader {
  readonly #name: string
  readonly #topics: readonly string[]
  readonly #group: ReceiverGroup | undefined
  readonly #onDispose: (receiver: MemoryReceiver) => void
  /** Per topic, the cursors that have something to hand out. */
  readonly #ready = new Map<string, Fifo<Cursor>>()
  readonly #order: readonly string[]
  /** Cursors of an ephemeral receiver, which nobody else keeps. */
  readonly #own: readonly Cursor[] = []
  #turn = 0
  #slots = new Set<number>()
  #fenced: number[] = []
  #waiting: Waiting | undefined
  #receiving = false
  #stopped = false

  constructor(
    name: string,
    topics: readonly string[],
    from: ReceiverGroup | readonly Cursor[],
    onDispose: (receiver: MemoryReceiver) => void,
  ) {
    this.#name = name
    this.#topics = topics
    this.#onDispose = onDispose
    this.#order = [...new Set(topics)]
    for (const topic of this.#order) this.#ready.set(topic, new Fifo())
    if ('name' in from) {
      this.#group = from
    } else {
      this.#own = from
      for (const cursor of from) cursor.attach(this)
    }
  }

  async receive(options: ReceiveOptions): Promise<readonly Delivery<RunEvent>[]> {
    assertReceive(options, { name: this.#name, receiving: this.#receiving })
    const { max, except, signal } = options
    this.#receiving = true
    try {
      for (;;) {
        signal.throwIfAborted()
        this.#throwIfEnded()
        const deliveries = this.#take(max, except)
        if (deliveries.length > 0) return deliveries
        await this.#wait(except, signal)
      }
    } finally {
      this.#receiving = false
    }
  }

  async assign(claims: readonly SlotClaim[]): Promise<void> {
    if (this.#stopped) throw this.#stoppedError()
    const group = this.#group
    if (group === undefined) throw new InvalidArgument('an ephemeral receiver sees all slots; it takes no claims')
    const wanted = new Set(claims.map((claim) => claim.slot))
    for (const slot of this.#slots) if (!wanted.has(slot)) group.release(slot, this)
    this.#slots = new Set()
    const refused: number[] = []
    for (const claim of claims) {
      if (group.claim(claim, this, this.#topics)) this.#slots.add(claim.slot)
      else refused.push(claim.slot)
    }
    if (refused.length > 0) throw fencedSlots(this.#name, refused)
  }

  onReady(cursor: Cursor): void {
    const { topic } = cursor.log
    this.#ready.get(topic)?.push(cursor)
    if (this.#waiting !== undefined && this.#waiting.except?.has(topic) !== true) this.#waiting.lookAgain()
  }

  onFenced(slot: number): void {
    this.#slots.delete(slot)
    this.#fenced.push(slot)
    this.#waiting?.lookAgain()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
  }

  /** Gives back what is not acknowledged; a call that waits throws `Stopped`. Idempotent. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    for (const slot of this.#slots) this.#group?.release(slot, this)
    for (const cursor of this.#own) cursor.remove()
    this.#waiting?.lookAgain()
    this.#onDispose(this)
  }

  #take(max: number, except: ReadonlySet<string> | undefined): Delivery<RunEvent>[] {
    const deliveries: Delivery<RunEvent>[] = []
    // Ends when there are enough, or after a whole round of topics that gave nothing.
    for (let quiet = 0; deliveries.length < max && quiet < this.#order.length; ) {
      this.#turn = (this.#turn + 1) % this.#order.length
      const topic = this.#order[this.#turn] ?? ''
      const ready = this.#ready.get(topic)
      const cursor = ready === undefined || ready.length === 0 || except?.has(topic) === true ? undefined : ready.shift()
      if (cursor === undefined) {
        quiet++
        continue
      }
      quiet = 0
      // A cursor that went to somebody else is still in the queue.
      if (cursor.owner === this && cursor.take(Math.min(max - deliveries.length, quantum), deliveries)) ready?.push(cursor)
    }
    return deliveries
  }

  #throwIfEnded(): void {
    if (this.#stopped) throw this.#stoppedError()
    if (this.#fenced.length === 0) return
    const slots = this.#fenced
    this.#fenced = []
    throw fencedSlots(this.#name, slots)
  }

  #stoppedError(): Stopped {
    return new Stopped(`receiver ${JSON.stringify(this.#name)} has been closed; open a new one`)
  }

  async #wait(except: ReadonlySet<string> | undefined, signal: AbortSignal): Promise<void> {
    let lookAgain: () => void = () => undefined
    const woken = new Promise<void>((resolve) => {
      lookAgain = resolve
    })
    this.#waiting = { except, lookAgain }
    signal.addEventListener('abort', lookAgain, { once: true })
    await woken
    this.#waiting = undefined
    signal.removeEventListener('abort', lookAgain)
  }
}
